// Text as it is decoded. Verified text stays; drafts follow it as a run and either turn verified or vanish. Beside a draft stand
// the others for its place, until one of them all is verified.

const freshMs = 900;
const vanishMs = 500;
const mostOthers = 3;

export class DraftText {
  #root;
  #drafts = [];
  counts = { verified: 0, corrected: 0, gone: 0 };

  constructor(root) {
    this.#root = root;
  }

  /** Verified text: drafts it confirms are promoted, the rest of them is gone. */
  add(text) {
    while (this.#drafts.length > 0 && this.#drafts[0].textContent !== "" && text.startsWith(this.#drafts[0].textContent)) {
      const draft = this.#drafts.shift();
      text = text.slice(draft.textContent.length);
      removeOthers(draft);
      this.#settle(draft, "verified");
      this.counts.verified++;
    }

    if (text === "") {
      return;
    }

    const refuted = this.#drafts.length > 0;
    this.#dropFrom(0);
    const span = document.createElement("span");
    span.textContent = text;
    this.#root.append(span);
    this.#settle(span, refuted ? "correction" : "verified");
    this.counts.corrected += refuted ? 1 : 0;
  }

  /** Drafts now in flight, and for each the others for its place; replaces those shown before. */
  show(drafts, others = []) {
    let same = 0;
    while (same < this.#drafts.length && this.#drafts[same].textContent === drafts[same]) {
      same++;
    }

    this.#dropFrom(same);
    for (const text of drafts.slice(same)) {
      const span = document.createElement("span");
      span.className = "token draft";
      span.textContent = text;
      this.#root.append(span);
      this.#drafts.push(span);
    }

    this.#drafts.forEach((draft, place) => showOthers(draft, others[place] ?? []));
  }

  /** The text is complete: nothing is in flight any more. */
  complete() {
    this.#dropFrom(0);
  }

  #dropFrom(index) {
    for (const draft of this.#drafts.splice(index)) {
      draft.className = "token gone";
      removeOthers(draft);
      this.counts.gone++;
      setTimeout(() => draft.remove(), vanishMs);

      // What is verified next must not stand behind what is fading: it moves in front of it.
      draft.setAttribute("aria-hidden", "true");
    }
  }

  #settle(span, kind) {
    const fading = this.#root.querySelector(".token.gone");
    if (fading && fading.compareDocumentPosition(span) & Node.DOCUMENT_POSITION_FOLLOWING) {
      fading.before(span);
    }

    span.className = `token ${kind} fresh`;
    setTimeout(() => span.classList.remove("fresh"), freshMs);
  }
}

/** Others for a draft's place, likeliest first: "|was|is" behind it; the white space of a token is shown as signs. */
function showOthers(draft, others) {
  removeOthers(draft);
  if (others.length === 0) {
    return;
  }

  const span = document.createElement("span");
  span.className = "others";
  span.textContent = othersText(draft.textContent, others);
  span.setAttribute("aria-hidden", "true");
  draft.after(span);
}

function removeOthers(draft) {
  if (draft.nextSibling?.className === "others") {
    draft.nextSibling.remove();
  }
}

/** A blank that all begin with is the draft's; where only some do it is shown as a sign. */
export function othersText(draft, others) {
  const haveBlank = [draft, ...others].every((text) => text.startsWith(" "));
  const words = others
    .slice(0, mostOthers)
    .map((text) => (haveBlank ? text.slice(1) : text.replace(/^ /, "␣")).replace(/\p{Cc}/gu, "↵") || "␣");
  return `|${(others.length > mostOthers ? [...words, "…"] : words).join("|")}`;
}
