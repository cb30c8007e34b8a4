// What went wrong, in words for the person at the page.
import { ServerError } from "/page/api.js";

/** Whether a conversation does not fit into the model's context. */
export function isTooLong(error) {
  return error instanceof ServerError && error.code === "context_length_exceeded";
}

/**
 * One or two sentences about an error.
 * @param error what was thrown
 * @param context the model's context in tokens; null when it is not known
 */
export function explain(error, context = null) {
  if (!(error instanceof ServerError)) {
    return error instanceof TypeError
      ? "The server does not answer. It may have been stopped, or the network is down."
      : `The page could not read the answer: ${error.message}`;
  }

  if (isTooLong(error)) {
    const limit = context === null ? "the model's context" : `the ${context.toLocaleString("en")} tokens that the model can hold`;
    return `Question and answer together are longer than ${limit}. Shorten the question, or ask for fewer tokens.`;
  }

  switch (error.status) {
    case 0:
      return `The answer broke off: ${error.message}.`;
    case 401:
      return "The server wants its API key. Reload the page to enter it.";
    case 413:
      return "The question is longer than the server takes.";
    case 429:
      return "The server is busy with other questions. Try again in a moment.";
    case 503:
      return `The server cannot answer now: ${error.message}.`;
    default:
      return error.status >= 500 ? `The server failed: ${error.message}.` : `The server refused the question: ${error.message}.`;
  }
}
