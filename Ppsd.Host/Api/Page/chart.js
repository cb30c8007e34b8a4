// A small line over the last two minutes, with a scale.

const svgNamespace = "http://www.w3.org/2000/svg";
const capacity = 120; // one value a second
const height = 44;

export class Chart {
  #svg;
  #top;
  #values = [];
  #max;
  #print;

  /**
   * @param figure where to draw: a figure with an svg and a .top label
   * @param print writes a value with its unit
   * @param max top of the scale; grows with the values when it is not given
   */
  constructor(figure, print, max = null) {
    this.#svg = figure.querySelector("svg");
    this.#top = figure.querySelector(".top");
    this.#print = print;
    this.#max = max;
    this.#svg.setAttribute("viewBox", `0 0 ${capacity} ${height}`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("role", "img");
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
    const known = this.#values.filter((value) => value !== null);
    const top = this.#max ?? roundUp(Math.max(0, ...known));
    const start = capacity - this.#values.length;
    this.#top.textContent = known.length > 0 || this.#max !== null ? this.#print(top) : "";
    this.#svg.setAttribute("aria-label", known.length > 0 ? `last value ${this.#print(known.at(-1))}` : "no value yet");
    this.#svg.replaceChildren(
      element("line", { class: "ground", x1: 0, x2: capacity, y1: height - 1, y2: height - 1 }),
      element("line", { class: "ground top", x1: 0, x2: capacity, y1: 1, y2: 1 }),
      ...stretches(this.#values).map((stretch) => {
        const points = stretch.map(([i, value]) => `${start + i},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`);
        const [x, y] = points.at(-1).split(",");
        return element("polyline", { class: "line", points: `${points.join(" ")} ${Math.min(capacity, Number(x) + 1)},${y}` });
      }),
    );
  }
}

/** Runs of values without a gap, each value with its place. */
function stretches(values) {
  const found = [];
  values.forEach((value, i) => {
    if (value !== null) {
      if (i === 0 || values[i - 1] === null) {
        found.push([]);
      }

      found.at(-1).push([i, value]);
    }
  });
  return found;
}

/** The next number of the form 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  if (value <= 0) {
    return 1;
  }

  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value * 0.999);
}

function element(name, attributes) {
  const made = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }

  return made;
}
