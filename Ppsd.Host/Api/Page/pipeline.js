// The pipeline as it is now: asks the server once a second.
import { request } from "/page/api.js";
import { Chart } from "/page/chart.js";

const intervalMs = 1000;
const byId = (id) => document.getElementById(id);

export class PipelineView {
  #before = null;
  #alpha = new Chart(byId("alpha-chart"), 1);
  #cycle = new Chart(byId("cycle-chart"));
  #speed = new Chart(byId("speed-chart"));

  async start() {
    await this.#nameModel();
    for (;;) {
      await this.#look();
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }

  async #nameModel() {
    try {
      const models = await (await request("/v1/models")).json();
      byId("model").textContent = models.data[0].id;
    } catch {
      // The next look says what is wrong.
    }
  }

  async #look() {
    try {
      const cluster = await (await request("/cluster")).json();
      this.#show(cluster);
      this.#before = cluster;
    } catch (error) {
      setState("down", error instanceof TypeError ? "the server does not answer" : error.message);
    }
  }

  #show(cluster) {
    const silent = cluster.stages.filter((stage) => !stage.answers);
    const isReady = cluster.pipeline.formed && silent.length === 0;
    setState(isReady ? "ready" : "down", isReady ? "ready" : cluster.pipeline.formed ? `no answer from stage ${silent[0].stage}` : cluster.pipeline.state);
    const list = byId("stages");
    while (list.children.length > cluster.stages.length) {
      list.lastChild.remove();
    }

    cluster.stages.forEach((stage, i) => {
      list.append(...(list.children[i] ? [] : [emptyCard()]));
      fill(list.children[i], stage, stepMs(stage, this.#past(cluster, i)));
    });

    const { sessions, tokens_per_second: speed, acceptance_rate: alpha } = cluster.pipeline;
    byId("sessions").textContent = sessions ? (sessions.waiting > 0 ? `${sessions.running}+${sessions.waiting}` : sessions.running) : "–";
    byId("rollbacks").textContent = count(sessions?.rollbacks);
    byId("cancelled").textContent = count(sessions?.cancelled_drafts);
    byId("speed").textContent = speed === null ? "–" : Math.round(speed);
    const cycle = this.#cycleMs(cluster);
    chart(this.#alpha, "alpha-now", alpha, (value) => value.toFixed(2));
    chart(this.#cycle, "cycle-now", cycle, (value) => `${value.toFixed(2)} ms`);
    chart(this.#speed, "speed-now", speed || null, (value) => value.toFixed(0));
    const others = cluster.members.map((member) => `${member.address.replace("akka.tcp://ppsd@", "")} (${member.roles.join(", ")}${member.coordinator ? ", hosts the coordinator" : ""})`);
    byId("members").textContent = cluster.members.length > 1 ? `members: ${others.join("; ")}` : "all stages in the server's own process";
  }

  /** The stage at the look before, unless the pipeline is another one now. */
  #past(cluster, i) {
    return this.#before?.pipeline.epoch === cluster.pipeline.epoch ? this.#before.stages[i] : undefined;
  }

  /** Milliseconds of a cycle of the draft loop between two looks; null when there was none. */
  #cycleMs(cluster) {
    const [draft, past] = [cluster.stages[0], this.#past(cluster, 0)];
    return past && draft.cycles > past.cycles ? (draft.cycle_ms - past.cycle_ms) / (draft.cycles - past.cycles) : null;
  }
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
  card.className = `stage${share > 0.02 ? " working" : ""}${stage.answers ? "" : " silent"}`;
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

function count(value) {
  return value === undefined ? "–" : value.toLocaleString("en");
}

function setState(kind, text) {
  const state = byId("state");
  state.className = `state ${kind}`;
  state.lastElementChild.textContent = text;
}
