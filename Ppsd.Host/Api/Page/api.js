// Talks to the server; asks for its key once, when the server wants one.

const keyName = "ppsd-api-key";

/** Sends a request; throws an Error with the server's own line when it is refused. */
export async function request(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem(keyName);
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const response = await fetch(path, { ...options, headers });
    if (response.ok) {
      return response;
    }

    if (response.status !== 401) {
      const body = await response.json().catch(() => null);
      throw new Error(body?.error?.message ?? `status ${response.status}`);
    }

    await askForKey();
  }
}

/** Posts a chat and yields its chunks as they come. */
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
      return;
    }

    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "))?.slice("data: ".length);
      if (data === undefined || data === "[DONE]") {
        continue;
      }

      const chunk = JSON.parse(data);
      if (chunk.error) {
        throw new Error(chunk.error.message);
      }

      yield chunk;
    }
  }
}

let asking = null;

/** One dialog, however many requests were refused. */
function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    dialog.addEventListener(
      "close",
      () => {
        sessionStorage.setItem(keyName, document.getElementById("key").value);
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
