// Where questions are typed, queued and sent from, and the settings they are asked with.

// Questions of GSM8K, on which the bundled model was trained, that it answers rightly.
const examples = [
  "Nancy earns $28 for working 4 hours. How many hours does she have to work to earn $70?",
  "Keith and Blaine went fishing. Blaine caught 5 fish while Keith caught twice as many as Blaine's. How many fish did they catch together?",
  "If I'm 4 times older than Billy currently, and Billy is 4 years old, how old was I when Billy was born?",
];

const byId = (id) => document.getElementById(id);

export class Composer {
  #send;

  /**
   * @param send called with a question that may be sent
   * @param stop called when the running answer is to end
   */
  constructor(send, stop) {
    this.#send = send;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("question").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
    });
    byId("stop").addEventListener("click", stop);
    for (const example of examples) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = example;
      button.addEventListener("click", () => {
        byId("question").value = example;
        this.#submit();
      });
      byId("examples").append(button);
    }

    for (const input of settings()) {
      input.addEventListener("input", () => showFault(input));
    }
  }

  /** Milliseconds between shown events. */
  get pace() {
    return Number(byId("pace").value);
  }

  /** Fields of a request; only to be read while all settings are right. */
  get fields() {
    return {
      temperature: Number(byId("temperature").value),
      max_tokens: Number(byId("max-tokens").value),
      speculation: byId("speculation").checked ? undefined : false,
    };
  }

  /** The most tokens that may be asked for. */
  set context(tokens) {
    byId("max-tokens").max = tokens - 1;
  }

  /** While an answer runs, a question is queued and the answer can be stopped. */
  set isRunning(isRunning) {
    byId("send").textContent = isRunning ? "Queue" : "Send";
    byId("stop").hidden = !isRunning;
    document.body.dataset.running = isRunning;
  }

  /** Puts questions back into the box, in front of what is typed there. */
  takeBack(questions) {
    const box = byId("question");
    box.value = [...questions, box.value].filter((text) => text.trim() !== "").join("\n");
  }

  focus() {
    byId("question").focus();
  }

  #submit() {
    const question = byId("question").value.trim();
    const wrong = settings().filter((input) => !showFault(input));
    if (wrong.length > 0) {
      wrong[0].focus();
    } else if (question !== "") {
      byId("question").value = "";
      this.#send(question);
    }
  }
}

function settings() {
  return [byId("temperature"), byId("max-tokens")];
}

/** Shows what is wrong with a number, and returns whether nothing is. */
function showFault(input) {
  const { min, max, step } = input;
  const value = input.valueAsNumber;
  const isWhole = step === "1";
  const isRight = !Number.isNaN(value) && value >= Number(min) && (max === "" || value <= Number(max)) && (!isWhole || Number.isInteger(value));
  const name = input.dataset.name;
  const range = max === "" ? `from ${min}` : `from ${min} to ${Number(max).toLocaleString("en")}`;
  const fault = byId("settings-fault");
  input.setAttribute("aria-invalid", !isRight);
  if (!isRight) {
    fault.textContent = `${name}: expected a ${isWhole ? "whole " : ""}number ${range}.`;
    fault.dataset.of = input.id;
  } else if (fault.dataset.of === input.id) {
    fault.textContent = "";
  }

  return isRight;
}
