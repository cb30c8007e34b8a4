// The pipeline as it is now, or as it was when what is being shown was computed: asks the server once a second.
import { request, ServerError } from "/page/api.js";
import { Chart } from "/page/chart.js";
import { fillSources, perCycle } from "/page/drafts.js";
import { explain } from "/page/errors.js";

const intervalMs = 1000;
const keptLooks = 120;
const byId = (id) => document.getElementById(id);

export class PipelineView {
  #looks = []; // { at, cluster, past }, the latest last
  #following = null;
  #alpha = new Chart(byId("alpha"), (value) => value.toFixed(value === 1 ? 0 : 2), 1);
  #cycle = new Chart(byId("cycle"), (value) => `${round(value)} ms`);
  #speed = new Chart(byId("speed"), (value) => `${round(value)} tokens/s`);

  /** @param named called with the model's context in tokens */
  async start(named) {
    let isNamed = false;
    for (;;) {
      isNamed ||= await this.#nameModel(named);
      await this.#look();
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }

  /**
   * Shows the stages as they were at a time, because an answer in slow motion is computed long before it is shown.
   * @param at the time; null for now
   */
  follow(at) {
    this.#following = at;
    this.#showStages();
  }

  async #nameModel(named) {
    try {
      const [model] = (await (await request("/v1/models")).json()).data;
      byId("model").textContent = model.id;
      named(model.max_model_len);
      return true;
    } catch {
      return false; // the next look says what is wrong
    }
  }

  async #look() {
    try {
      const cluster = await (await request("/cluster")).json();
      const last = this.#looks.at(-1)?.cluster;
      this.#looks.push({ at: performance.now(), cluster, past: last?.pipeline.epoch === cluster.pipeline.epoch ? last : null });
      this.#looks.splice(0, this.#looks.length - keptLooks);
      this.#showTotals();
      byId("pipeline").classList.remove("stale");
    } catch (error) {
      setState("down", error instanceof ServerError && error.status !== 401 ? error.message : explain(error));
      byId("pipeline").classList.add("stale");
      for (const line of [this.#alpha, this.#cycle, this.#speed]) {
        line.add(null);
      }
    }

    this.#showStages();
  }

  /** The look that covers a time: the first one taken after it. */
  #shownLook() {
    const covering = this.#following === null ? undefined : this.#looks.find((look) => look.at >= this.#following);
    return covering ?? this.#looks.at(-1);
  }

  #showStages() {
    const look = this.#shownLook();
    if (look === undefined) {
      return;
    }

    const list = byId("stages");
    const stages = look.cluster.stages;
    while (list.children.length > stages.length) {
      list.lastChild.remove();
    }

    stages.forEach((stage, i) => {
      list.append(...(list.children[i] ? [] : [emptyCard()]));
      fill(list.children[i], stage, stepMs(stage, look.past?.stages[i]));
    });
    byId("as-of").hidden = look === this.#looks.at(-1);
  }

  #showTotals() {
    const { cluster, past } = this.#looks.at(-1);
    const silent = cluster.stages.filter((stage) => !stage.answers);
    const isReady = cluster.pipeline.formed && silent.length === 0;
    setState(isReady ? "ready" : "down", isReady ? "ready" : cluster.pipeline.formed ? `no answer from stage ${silent[0].stage}` : cluster.pipeline.state);

    const { sessions, tokens_per_second: speed, acceptance_rate: alpha } = cluster.pipeline;
    byId("sessions").textContent = sessions ? (sessions.waiting > 0 ? `${sessions.running}+${sessions.waiting}` : sessions.running) : "–";
    byId("rollbacks").textContent = count(sessions?.rollbacks);
    byId("cancelled").textContent = count(sessions?.cancelled_drafts);
    const cycle = sessions ? perCycle(sessions, past?.pipeline.sessions) : null;
    byId("per-cycle").textContent = cycle ? `${cycle.accepted.toFixed(2)} / ${cycle.rows.toFixed(2)}` : "–";
    fillSources(byId("sources"), sessions?.sources ?? []);
    byId("tokens").textContent = speed === null ? "–" : Math.round(speed);
    chart(this.#alpha, "alpha-now", alpha, (value) => value.toFixed(2));
    chart(this.#cycle, "cycle-now", cycleMs(cluster, past), (value) => `${value.toFixed(2)} ms`);
    chart(this.#speed, "speed-now", speed || null, (value) => `${value.toFixed(0)} tokens/s`);
    const others = cluster.members.map((member) => `${member.address.replace("akka.tcp://ppsd@", "")} (${member.roles.join(", ")}${member.coordinator ? ", hosts the coordinator" : ""})`);
    byId("members").textContent = cluster.members.length > 1 ? `members: ${others.join("; ")}` : "all stages in the server's own process";
  }
}

/** Milliseconds of a cycle of the draft loop between two looks; null when there was none. */
function cycleMs(cluster, past) {
  const [draft, before] = [cluster.stages[0], past?.stages[0]];
  return before && draft.cycles > before.cycles ? (draft.cycle_ms - before.cycle_ms) / (draft.cycles - before.cycles) : null;
}

function emptyCard() {
  const card = document.createElement("li");
  card.innerHTML = `
    <div class="row"><span><span class="name"></span><span class="head"></span></span><span class="busy"></span></div>
    <div class="row detail"><span class="layers"></span><span class="step"></span></div>
    <div class="bar"><i></i></div>`;
  return card;
}

function fill(card, stage, step) {
  const share = stage.busy_share ?? 0;
  const put = (part, text) => (card.querySelector(part).textContent = text);
  card.className = `stage${share > 0.002 ? " working" : ""}${stage.answers ? "" : " silent"}`;
  put(".name", `Stage ${stage.stage}`);
  put(".head", stage.exit_head ? "exit head" : stage.target_head ? "target head" : "");
  card.querySelector(".head").className = `head${stage.exit_head ? " exit" : stage.target_head ? " target" : ""}`;
  put(".busy", stage.answers ? `${Math.round(100 * share)} % busy` : "no answer");
  put(".layers", `layers ${stage.first_layer}–${stage.first_layer + stage.layers - 1} · ${stage.device}`);
  put(".step", step === null ? "" : `${step.toFixed(2)} ms a step`);
  card.querySelector(".bar i").style.width = `${Math.min(100, 100 * share)}%`;
}

/** Milliseconds of a step between two looks; null when there was none. */
function stepMs(stage, past) {
  const steps = past ? stage.decode_steps - past.decode_steps : 0;
  return steps > 0 ? (stage.busy_ms - past.busy_ms) / steps : null;
}

function chart(line, label, value, print) {
  line.add(value);
  if (value !== null) {
    byId(label).textContent = print(value);
  }
}

function round(value) {
  return Number(value.toPrecision(2)).toLocaleString("en");
}

function count(value) {
  return value === undefined ? "–" : value.toLocaleString("en");
}

function setState(kind, text) {
  const state = byId("state");
  state.className = `state ${kind}`;
  state.lastElementChild.textContent = text;
}
