// One answer as it comes: its drafts, its text, and at the end its figures or its error.
import { streamChat } from "/page/api.js";
import { DraftText } from "/page/drafttext.js";
import { Playback } from "/page/playback.js";

export class Answer {
  #text;
  #note;
  #playback;

  /** What has been received of the text. */
  content = "";

  /**
   * @param message where to show it
   * @param pace gives milliseconds between events; 0 shows all at once
   * @param shown called with the time at which the event just shown was received
   */
  constructor(message, pace, shown) {
    const body = document.createElement("div");
    body.className = "body";
    this.#note = document.createElement("div");
    this.#note.className = "note";
    message.append(body, this.#note);
    this.#text = new DraftText(body);
    this.#playback = new Playback(({ at, show }) => {
      show(this.#text);
      shown(at);
    }, pace);
  }

  /** Receives and shows an answer to its end; throws what streamChat throws. */
  async receive(body, signal) {
    let metrics = null;
    try {
      for await (const chunk of streamChat(body, signal)) {
        metrics = chunk.metrics ?? metrics;
        if (chunk.drafts) {
          this.#push((text) => text.show(chunk.drafts, chunk.other_drafts));
        }

        const content = chunk.choices[0]?.delta?.content;
        if (content) {
          this.content += content;
          this.#push((text) => text.add(content));
        }
      }
    } catch (error) {
      this.#playback.flush();
      throw error;
    } finally {
      await this.#playback.drained();
      this.#text.complete();
    }

    if (metrics) {
      this.#note.replaceChildren(...figures(metrics));
    }
  }

  /** Puts a word under the text, such as "stopped". */
  note(text) {
    this.#note.textContent = text;
  }

  #push(show) {
    this.#playback.push({ at: performance.now(), show });
  }
}

function* figures(metrics) {
  const drafts = metrics.speculative_decoding;
  yield* figure(metrics.tokens_per_second.toFixed(0), " tokens/s, first token after ");
  yield* figure(`${metrics.time_to_first_token_ms.toFixed(0)} ms`, drafts ? "; " : "");
  if (drafts) {
    yield* figure(drafts.num_accepted_draft_tokens, ` of ${drafts.num_draft_tokens} drafts accepted (`);
    yield* figure(`${(100 * drafts.draft_acceptance_rate).toFixed(0)} %`, `), ${drafts.num_cancelled_draft_tokens} cancelled; `);
    yield* figure(drafts.accepted_per_cycle.toFixed(2), ` of ${drafts.rows_per_cycle.toFixed(2)} rows a cycle accepted`);
  }
}

function* figure(value, behind) {
  const strong = document.createElement("b");
  strong.textContent = value;
  yield strong;
  yield behind;
}
