import { flowFigure } from "./flow-figure.js";
import { HISTORY_MS, historyChart, type Moment } from "./history-chart.js";
import { executedMaxOf, ReplicaCard, wholeText, type Fault } from "./replica-cards.js";
import type { ReplicaView, Snapshot } from "./snapshot.js";
import { byId } from "./svg.js";

/*
 * The dashboard's page: takes snapshots as the server sends them and shows them.
 */

const cards: ReplicaCard[] = [];
const throughput: Moment[] = [];
const latency: Moment[] = [];
let isHeld = false;

/** How long one request's way stays: eyes need time that a cluster does not. */
const FLOW_MS_MIN = 1_500;
let flowShownMs = 0;

const events = new EventSource("events");
events.addEventListener("message", ({ data }: MessageEvent<string>) => {
  setConnected(true);
  show(JSON.parse(data) as Snapshot);
});
events.addEventListener("error", () => setConnected(false));

byId("hold").addEventListener("click", () => {
  isHeld = !isHeld;
  byId("hold").textContent = isHeld ? "Follow again" : "Hold this one";
});

function setConnected(isConnected: boolean): void {
  byId("connection").textContent = isConnected ? "live" : "the cluster's supervisor is gone";
  document.body.classList.toggle("gone", !isConnected);
}

function show(snapshot: Snapshot): void {
  const { replicas, workload, flow, mayInject, faultyMax } = snapshot;
  showReplicas(replicas, mayInject);
  byId("summary").textContent = summaryOf(snapshot);
  byId("faults").hidden = !mayInject;
  byId("tolerance").textContent = String(faultyMax);
  byId("workload").hidden = workload === null;
  if (workload !== null) {
    keep(throughput, snapshot.atMs, workload.opsPerSecond);
    keep(latency, snapshot.atMs, workload.opsPerSecond === 0 ? null : workload.p50Ms);
    byId("ops").textContent = wholeText(workload.opsPerSecond);
    byId("failures").textContent = failuresText(workload.failureCount);
    byId("p50").textContent = workload.opsPerSecond === 0 ? "–" : workload.p50Ms.toFixed(1);
    byId("max").textContent = workload.opsPerSecond === 0 ? "–" : workload.maxMs.toFixed(1);
    const { atMs } = snapshot;
    byId("ops-chart").replaceChildren(historyChart(throughput, atMs, "Operations per second"));
    byId("p50-chart").replaceChildren(historyChart(latency, atMs, "Median latency"));
  }
  if (flow !== null && !isHeld && snapshot.atMs - flowShownMs >= FLOW_MS_MIN) {
    flowShownMs = snapshot.atMs;
    byId("flow").replaceChildren(flowFigure(flow, replicas.length));
    const ms = (flow.durationMicros / 1_000).toFixed(1);
    byId("flow-facts").textContent =
      `Batch ${wholeText(flow.seq)} in view ${wholeText(flow.view)}, ${ms} ms from first to last.`;
  }
}

function failuresText(count: number): string {
  return count === 0 ? "" : `, ${wholeText(count)} so far had no answer in time`;
}

function showReplicas(replicas: readonly ReplicaView[], mayInject: boolean): void {
  if (cards.length === 0) {
    cards.push(...replicas.map((each) => cardFor(each, mayInject)));
    byId("replicas").append(...cards.map(({ element }) => element));
  }
  const executedMax = executedMaxOf(replicas);
  for (const [index, replica] of replicas.entries()) cards[index]?.update(replica, executedMax);
}

function cardFor({ replica }: ReplicaView, mayInject: boolean): ReplicaCard {
  return new ReplicaCard(replica, mayInject ? sendFault : null);
}

function summaryOf({ replicas }: Snapshot): string {
  const views = replicas.flatMap(({ status }) => status?.view ?? []);
  const view = Math.max(0, ...views);
  const count = replicas.filter(({ process, isCutOff, status }) => {
    return process === "serving" && !isCutOff && status !== null;
  }).length;
  const primary = view % replicas.length;
  const serving = `${String(count)} of ${String(replicas.length)} replicas take part`;
  return `View ${wholeText(view)}, led by replica ${String(primary)}. ${serving}.`;
}

function keep(history: Moment[], atMs: number, value: number | null): void {
  history.push({ atMs, value });
  while ((history[0]?.atMs ?? atMs) < atMs - HISTORY_MS) history.shift();
}

function sendFault(fault: Fault, replica: number): void {
  byId("refusal").textContent = "";
  void fetch("fault", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ fault, replica }),
  }).then(
    async (response) => {
      if (!response.ok) byId("refusal").textContent = await response.text();
    },
    () => setConnected(false),
  );
}
