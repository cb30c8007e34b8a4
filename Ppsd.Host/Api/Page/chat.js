// The conversation: sends it question by question, shows the answers, and takes back what fails.
import { Answer } from "/page/answer.js";
import { Composer } from "/page/composer.js";
import { explain, isTooLong } from "/page/errors.js";

const byId = (id) => document.getElementById(id);

export class Chat {
  #conversation = [];
  #waiting = [];
  #abort = null;
  #context = null;
  #composer;
  #welcome = byId("welcome");
  #follow;

  /** @param follow called with the time of what is shown, or null when nothing is played */
  constructor(follow) {
    this.#follow = follow;
    this.#composer = new Composer((question) => this.#ask(question), () => this.#abort?.abort());
    byId("new-chat").addEventListener("click", () => this.#startAnew());
    this.#composer.isRunning = false;
  }

  /** The most tokens that a conversation and its answer may have. */
  set context(tokens) {
    this.#context = tokens;
    this.#composer.context = tokens;
  }

  #startAnew() {
    this.#waiting = [];
    this.#conversation = [];
    byId("messages").replaceChildren(this.#welcome);
    this.#abort?.abort();
    this.#composer.focus();
  }

  #ask(question) {
    this.#welcome.remove();
    const message = this.#append("user", question);
    this.#waiting.push({ question, message });
    if (this.#abort) {
      message.classList.add("waiting");
      message.append(this.#removal(message));
    } else {
      this.#run();
    }
  }

  /** Takes a question out of the queue again. */
  #removal(message) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "remove";
    button.textContent = "×";
    button.ariaLabel = "Take this question out of the queue";
    button.addEventListener("click", () => {
      this.#waiting = this.#waiting.filter((waiting) => waiting.message !== message);
      message.remove();
      this.#composer.focus();
    });
    return button;
  }

  async #run() {
    this.#composer.isRunning = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      this.#abort = new AbortController();
      next.message.classList.remove("waiting");
      next.message.querySelector(".remove")?.remove();
      await this.#answer(next);
    }

    this.#abort = null;
    this.#follow(null);
    this.#composer.isRunning = false;
    this.#composer.focus();
  }

  async #answer({ question, message: asked }) {
    const conversation = this.#conversation;
    const abort = this.#abort;
    conversation.push({ role: "user", content: question });
    const message = this.#append("assistant", "");
    message.setAttribute("aria-busy", true);
    const answer = new Answer(
      message,
      () => (abort.signal.aborted ? 0 : this.#composer.pace),
      (at) => {
        this.#follow(at);
        this.#scroll();
      },
    );
    try {
      await this.#receive(answer, conversation, abort.signal, asked);
    } catch (error) {
      if (abort.signal.aborted) {
        answer.note("stopped");
      } else {
        this.#fail(answer, error, message);
      }

      if (!abort.signal.aborted || answer.content === "") {
        this.#takeBack(question, conversation, asked, message, answer);
      }
    }

    message.removeAttribute("aria-busy");
    if (conversation.at(-1)?.role === "user") {
      conversation.push({ role: "assistant", content: answer.content });
    }

    announce(answer.content);
    this.#scroll();
  }

  /** A conversation that has grown too long goes on without its oldest turns. */
  async #receive(answer, conversation, signal, asked) {
    for (let dropped = 0; ; dropped++) {
      try {
        const fields = { ...this.#composer.fields, drafts: true, per_request_metrics: true };
        await answer.receive({ messages: conversation, ...fields }, signal);
        return;
      } catch (error) {
        if (!isTooLong(error) || conversation.length < 3) {
          throw error;
        }

        conversation.splice(0, 2);
        showDropped(asked, dropped + 1);
      }
    }
  }

  #fail(answer, error, message) {
    const box = document.createElement("p");
    box.className = "fault";
    box.setAttribute("role", "alert");
    box.textContent = explain(error, this.#context);
    message.append(box);
  }

  /** A turn that failed is no part of the conversation: its question can be changed and sent again. */
  #takeBack(question, conversation, asked, message, answer) {
    conversation.pop();
    if (conversation !== this.#conversation) {
      return; // a new chat has begun meanwhile
    }

    this.#composer.takeBack([question, ...this.#waiting.map((waiting) => waiting.question)]);
    for (const waiting of this.#waiting.splice(0)) {
      waiting.message.remove();
    }

    asked.classList.add("failed");
    if (answer.content === "" && !message.querySelector(".fault")) {
      asked.remove();
      message.remove();
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

  #scroll() {
    const messages = byId("messages");
    messages.scrollTop = messages.scrollHeight;
  }
}

/** Says above a question how many turns the model no longer sees. */
function showDropped(asked, count) {
  const shown = asked.previousElementSibling?.classList.contains("dropped") ? asked.previousElementSibling : document.createElement("p");
  const before = Number(shown.dataset.count ?? 0);
  shown.className = "dropped";
  shown.dataset.count = count;
  shown.textContent =
    `The conversation is longer than the model's context: the model no longer sees ${count === 1 ? "its oldest turn" : `its ${count} oldest turns`} here.`;
  if (before === 0) {
    asked.before(shown);
  }
}

/** Screen readers hear an answer once it is complete, not every draft. */
function announce(text) {
  byId("announcer").textContent = text;
}
