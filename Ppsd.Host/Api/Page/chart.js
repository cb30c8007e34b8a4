// A small line over time.

const svgNamespace = "http://www.w3.org/2000/svg";
const capacity = 120;
const height = 44;

export class Chart {
  #svg;
  #values = [];
  #max;

  /**
   * @param svg where to draw
   * @param max top of the scale; grows with the values when it is not given
   */
  constructor(svg, max = null) {
    this.#svg = svg;
    this.#max = max;
    svg.setAttribute("viewBox", `0 0 ${capacity} ${height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    this.#draw();
  }

  /** Adds a value; null leaves a gap of time without one. */
  add(value) {
    this.#values.push(value);
    if (this.#values.length > capacity) {
      this.#values.shift();
    }

    this.#draw();
  }

  #draw() {
    const top = this.#max ?? Math.max(1e-9, ...this.#values.filter((value) => value !== null)) * 1.1;
    const start = capacity - this.#values.length;
    const points = this.#values
      .map((value, i) => (value === null ? null : `${start + i},${(height - 2 - (value / top) * (height - 6)).toFixed(1)}`))
      .filter((point) => point !== null);
    this.#svg.replaceChildren(
      element("line", { class: "ground", x1: 0, x2: capacity, y1: height - 1, y2: height - 1 }),
      element("polyline", { class: "line", points: points.length === 1 ? `${points[0]} ${capacity},${points[0].split(",")[1]}` : points.join(" ") }),
    );
  }
}

function element(name, attributes) {
  const made = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }

  return made;
}
