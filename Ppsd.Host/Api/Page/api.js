// Talks to the server; asks for its key when the server wants one, and again when it was the wrong one.

const keyName = "ppsd-api-key";

/** The server refused a request, or broke off its answer. */
export class ServerError extends Error {
  /**
   * @param status HTTP status; 0 when an answer broke off after it had begun
   * @param code the server's word for what is wrong, or null
   * @param message the server's own line
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Sends a request; throws a ServerError when it is refused and a TypeError when nobody answers. */
export async function request(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem(keyName);
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const response = await fetch(path, { ...options, headers });
    if (response.ok) {
      return response;
    }

    const error = (await response.json().catch(() => null))?.error;
    const refused = new ServerError(response.status, error?.code ?? null, error?.message ?? `status ${response.status}`);
    if (response.status !== 401 || !(await askForKey(key))) {
      throw refused;
    }
  }
}

/** Posts a chat and yields its chunks as they come; throws a ServerError unless the server says that it is complete. */
export async function* streamChat(body, signal) {
  const response = await request("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      throw new ServerError(0, null, "the stream ended before the answer did");
    }

    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "))?.slice("data: ".length);
      if (data === "[DONE]") {
        return;
      }

      if (data === undefined) {
        continue;
      }

      const chunk = JSON.parse(data);
      if (chunk.error) {
        throw new ServerError(0, chunk.error.code ?? null, chunk.error.message);
      }

      yield chunk;
    }
  }
}

let asking = null;
let declined = false;

/**
 * One dialog, however many requests were refused.
 * @param refused the key that was refused; null when none was given
 * @returns false when the dialog was closed without a key; nothing asks again until the page is loaded anew
 */
async function askForKey(refused) {
  if (declined) {
    return false;
  }

  const stored = sessionStorage.getItem(keyName);
  if (stored && stored !== refused) {
    return true; // another request has asked meanwhile
  }

  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const input = document.getElementById("key");
    document.getElementById("key-refused").hidden = !refused;
    input.value = "";
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        asking = null;
        declined = dialog.returnValue !== "use" || input.value === "";
        if (!declined) {
          sessionStorage.setItem(keyName, input.value);
        }

        resolve(!declined);
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
