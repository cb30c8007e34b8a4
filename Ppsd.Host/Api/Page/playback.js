// Plays events at a pace people can follow. The model writes faster than anyone reads; in slow motion each event is
// shown for a moment, live they are shown as they come.

export class Playback {
  #events = [];
  #show;
  #pace;
  #isRunning = false;
  #drained = [];

  /**
   * @param show called with each event
   * @param pace gives milliseconds between events; 0 shows all at once
   */
  constructor(show, pace) {
    this.#show = show;
    this.#pace = pace;
  }

  push(event) {
    this.#events.push(event);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#next();
    }
  }

  /** Resolves when everything pushed has been shown. */
  drained() {
    return this.#isRunning ? new Promise((resolve) => this.#drained.push(resolve)) : Promise.resolve();
  }

  /** Shows the rest at once. */
  flush() {
    for (const event of this.#events.splice(0)) {
      this.#show(event);
    }
  }

  #next() {
    if (this.#events.length === 0) {
      this.#isRunning = false;
      for (const resolve of this.#drained.splice(0)) {
        resolve();
      }

      return;
    }

    const pace = this.#pace();
    if (pace === 0) {
      this.flush();
    } else {
      this.#show(this.#events.shift());
    }

    // Also after the last one: what comes next must not be shown on its heels.
    setTimeout(() => this.#next(), pace);
  }
}
