import type { FlowEvent, FlowKind, RequestFlow } from "../../io/flow-recorder.js";
import type { ArrowView, FlowView } from "../../page/snapshot.js";

/** The client's lane. */
const CLIENT = -1;

/** What one replica saw of the batch; null when it saw nothing, or was not there to be asked. */
type SeenFlow = RequestFlow | null;

/** What the demo client saw of it. */
export interface ClientFlow {
  /** When it sent the request, by the machine's monotonic clock. */
  readonly sentMicros: number;
  /** When something arrived from each replica. */
  readonly arrivals: readonly { readonly replica: number; readonly atMicros: number }[];
}

interface Arrow {
  readonly kind: FlowKind;
  readonly from: number;
  readonly to: number;
  readonly sent: number | null;
  readonly received: number | null;
}

/**
 * Joins what each replica saw of batch `seq`: where one saw a message leave and another saw it
 * arrive, that is one arrow. Null when nobody saw anything.
 * @param flows by replica.
 */
export function flowView(
  seq: number,
  flows: readonly SeenFlow[],
  client: ClientFlow | null,
): FlowView | null {
  const view = Math.max(-1, ...flows.map((flow) => flow?.view ?? -1));
  if (view < 0) return null;
  const present = flows.map((flow) => (flow?.view === view ? flow.events : []));
  const arrows = [
    ...requestArrows(present, client),
    ...(["pre-prepare", "prepare", "commit"] as const).flatMap((kind) =>
      orderingArrows(kind, present),
    ),
    ...replyArrows(present, client),
  ];
  const times = arrows.flatMap(({ sent, received }) => [sent ?? [], received ?? []].flat());
  if (times.length === 0) return null;
  const start = Math.min(...times);
  const since = (micros: number | null): number | null => (micros === null ? null : micros - start);
  const shown = arrows.map(({ kind, from, to, sent, received }): ArrowView => {
    return { kind, from, to, sentMicros: since(sent), receivedMicros: since(received) };
  });
  const primary = view % flows.length;
  return { seq, view, primary, durationMicros: Math.max(...times) - start, arrows: shown };
}

type EventsByReplica = readonly (readonly FlowEvent[])[];

function firstOf(
  events: readonly FlowEvent[],
  kind: FlowKind,
  isSent: boolean,
  peers: readonly FlowEvent["peer"][],
): number | null {
  const found = events.find((event) => {
    return event.kind === kind && event.isSent === isSent && peers.includes(event.peer);
  });
  return found?.atMicros ?? null;
}

function requestArrows(events: EventsByReplica, client: ClientFlow | null): Arrow[] {
  return events.flatMap((seen, to) => {
    const received = firstOf(seen, "request", false, ["client"]);
    if (received === null) return [];
    const sent = client !== null && client.sentMicros <= received ? client.sentMicros : null;
    return [{ kind: "request", from: CLIENT, to, sent, received } as const];
  });
}

/** Each replica that sent one, to each other one. */
function orderingArrows(kind: FlowKind, events: EventsByReplica): Arrow[] {
  return events.flatMap((sender, from) =>
    events.flatMap((receiver, to) => {
      if (from === to) return [];
      const sent = firstOf(sender, kind, true, ["others", to]);
      const received = firstOf(receiver, kind, false, [from]);
      return sent === null && received === null ? [] : [{ kind, from, to, sent, received }];
    }),
  );
}

/** A reply arrives with the first datagram that comes from its sender after it was sent. */
function replyArrows(events: EventsByReplica, client: ClientFlow | null): Arrow[] {
  return events.flatMap((seen, from) => {
    const sent = firstOf(seen, "reply", true, ["client"]);
    if (sent === null) return [];
    const arrival = client?.arrivals.find((one) => one.replica === from && one.atMicros >= sent);
    return [
      { kind: "reply", from, to: CLIENT, sent, received: arrival?.atMicros ?? null } as const,
    ];
  });
}
