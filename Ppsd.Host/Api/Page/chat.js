// The conversation: sends it, shows the answer with its drafts, tells its figures.
import { streamChat } from "/page/api.js";
import { DraftText } from "/page/drafttext.js";
import { Playback } from "/page/playback.js";

const examples = [
  "A baker makes 24 rolls in the morning and twice as many in the afternoon. She sells 50 of them. How many rolls are left?",
  "Mia saves 6 dollars a week. After 7 weeks she buys a ball for 12 dollars. How much money does she have left?",
  "A bus has 8 rows of 4 seats. At the first stop 13 people get on, at the second 9 more. How many seats are still free?",
];

const byId = (id) => document.getElementById(id);

export class Chat {
  #conversation = [];
  #abort = null;

  constructor() {
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendOrStop();
    });
    byId("question").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        byId("composer").requestSubmit();
      }
    });
    for (const example of examples) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = example;
      button.addEventListener("click", () => {
        byId("question").value = example;
        byId("composer").requestSubmit();
      });
      byId("examples").append(button);
    }
  }

  async #sendOrStop() {
    if (this.#abort) {
      this.#abort.abort();
      return;
    }

    const question = byId("question").value.trim();
    if (question === "") {
      return;
    }

    byId("welcome")?.remove();
    byId("question").value = "";
    this.#conversation.push({ role: "user", content: question });
    this.#append("user", question);
    this.#setRunning(new AbortController());
    try {
      await this.#answer();
    } finally {
      this.#setRunning(null);
      byId("question").focus();
    }
  }

  async #answer() {
    const message = this.#append("assistant", "");
    const body = document.createElement("div");
    const note = document.createElement("div");
    note.className = "note";
    message.append(body, note);

    const text = new DraftText(body);
    const playback = new Playback((show) => {
      show(text);
      this.#scroll();
    }, () => (this.#abort?.signal.aborted ? 0 : Number(byId("pace").value)));
    let whole = "";
    let metrics = null;
    try {
      for await (const chunk of streamChat(this.#request(), this.#abort.signal)) {
        metrics = chunk.metrics ?? metrics;
        if (chunk.drafts) {
          playback.push((shown) => shown.show(chunk.drafts));
        }

        const content = chunk.choices[0]?.delta?.content;
        if (content) {
          whole += content;
          playback.push((shown) => shown.add(content));
        }
      }
    } catch (error) {
      playback.flush();
      note.textContent = this.#abort.signal.aborted ? "stopped" : error.message;
      message.classList.toggle("error", !this.#abort.signal.aborted);
    }

    await playback.drained();
    text.complete();
    this.#conversation.push({ role: "assistant", content: whole });
    if (metrics) {
      note.replaceChildren(...this.#figures(metrics));
    }

    this.#scroll();
  }

  #request() {
    return {
      messages: this.#conversation,
      temperature: Number(byId("temperature").value),
      max_tokens: Number(byId("max-tokens").value),
      speculation: byId("speculation").checked ? undefined : false,
      drafts: true,
      per_request_metrics: true,
    };
  }

  *#figures(metrics) {
    const drafts = metrics.speculative_decoding;
    yield* figure(metrics.tokens_per_second.toFixed(0), " tokens/s, first token after ");
    yield* figure(`${metrics.time_to_first_token_ms.toFixed(0)} ms`, drafts ? "; " : "");
    if (drafts) {
      yield* figure(drafts.num_accepted_draft_tokens, ` of ${drafts.num_draft_tokens} drafts accepted (`);
      yield* figure(`${(100 * drafts.draft_acceptance_rate).toFixed(0)} %`, `), ${drafts.num_cancelled_draft_tokens} cancelled`);
    }
  }

  #append(role, text) {
    const message = document.createElement("div");
    message.className = `message ${role}`;
    message.textContent = text;
    byId("messages").append(message);
    this.#scroll();
    return message;
  }

  #setRunning(abort) {
    this.#abort = abort;
    const send = byId("send");
    send.textContent = abort ? "Stop" : "Send";
    send.classList.toggle("stop", abort !== null);
    byId("question").required = abort === null;
    document.body.dataset.running = abort !== null;
  }

  #scroll() {
    const messages = byId("messages");
    messages.scrollTop = messages.scrollHeight;
  }
}

function* figure(value, behind) {
  const strong = document.createElement("b");
  strong.textContent = value;
  yield strong;
  yield behind;
}
