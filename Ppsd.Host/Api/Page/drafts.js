// How drafts fare, from the sessions' totals of /cluster.

const names = { exit_head: "exit head", ngram: "n-grams", echo: "echoes" };

/**
 * Accepted drafts and rows, each over the micro-batches of a text: between two looks, or since the pipeline began where there was
 * none in between. null without any.
 */
export function perCycle(sessions, past) {
  const since = past && sessions.cycles > past.cycles ? past : { cycles: 0, rows: 0, accepted_drafts: 0 };
  const cycles = sessions.cycles - since.cycles;
  return cycles > 0
    ? { accepted: (sessions.accepted_drafts - since.accepted_drafts) / cycles, rows: (sessions.rows - since.rows) / cycles }
    : null;
}

/** Acceptance by source, and in each by how far ahead of its origin a draft was proposed; null for a step without verdicts. */
export function bySource(sources) {
  const found = new Map();
  for (const { source, step, verified_drafts: verified, accepted_drafts: accepted } of sources) {
    const steps = found.get(source) ?? [];
    found.set(source, steps);
    while (steps.length <= step) {
      steps.push(null);
    }

    steps[step] = verified > 0 ? accepted / verified : null;
  }

  return [...found].map(([source, steps]) => ({ name: names[source] ?? source, steps }));
}

/** Fills a table with a row for each source and a column for each step. */
export function fillSources(table, sources) {
  const rows = bySource(sources);
  const depth = Math.max(0, ...rows.map((row) => row.steps.length));
  table.hidden = rows.length === 0;
  const line = (cell, name, values) => {
    const tr = document.createElement("tr");
    for (const [i, text] of [name, ...values].entries()) {
      const td = document.createElement(i === 0 ? "th" : cell);
      td.textContent = text;
      tr.append(td);
    }

    return tr;
  };
  const ahead = Array.from({ length: depth }, (_, step) => `+${step + 1}`);
  const share = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace(/^0/, ""));
  table.tBodies[0].replaceChildren(
    line("th", "accepted, by tokens ahead", ahead),
    ...rows.map(({ name, steps }) => line("td", name, ahead.map((_, step) => share(steps[step])))),
  );
}
