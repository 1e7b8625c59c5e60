import { assert } from "../base/assert.js";
import { BundleReader, BundleWriter, ITEM_OVERHEAD_BYTES } from "../base/bundle.js";
import type { ResultPath, Span, SubmissionId } from "./effect.js";

/** What a bundle may hold. */
interface DraftLimits {
  readonly bundleBytesMax: number;
  readonly bundleOperationsMax: number;
}

/** Room for one operation of usual size; V8 keeps a buffer of up to 64 bytes on its own heap. */
const BYTES_INITIAL = 64;

/** A bundle that fills while it waits for its turn, and whose operations are in it. */
class Draft {
  readonly writer = new BundleWriter(BYTES_INITIAL);
  readonly spans: Span[] = [];
}

/** Operations that wait to be sent: a queue of bundles, of which only the last one is not full. */
export class DraftQueue {
  readonly #limits: DraftLimits;
  #drafts: Draft[] = [];
  #count = 0;

  constructor(limits: DraftLimits) {
    this.#limits = limits;
  }

  /** Operations that wait. */
  get count(): number {
    return this.#count;
  }

  /**
   * Appends the operations of `bundle`, which are those of `submission` from index `first` on, each
   * small enough for a bundle of its own. They are copied together as far as one bundle takes them.
   */
  append(bundle: Uint8Array, submission: SubmissionId, first: number, path: ResultPath): void {
    const reader = new BundleReader(bundle);
    let index = first;
    let start = reader.end;
    while (reader.remaining > 0) {
      const draft = this.#draftFor(reader);
      const count = this.#readWhatFits(draft, reader);
      draft.writer.appendItems(bundle, start, reader.end, count);
      draft.spans.push({ submission, first: index, count, path });
      this.#count += count;
      index += count;
      start = reader.end;
    }
  }

  /** Takes the oldest bundle, or null when nothing waits. */
  take(): { readonly bundle: Uint8Array; readonly spans: readonly Span[] } | null {
    const draft = this.#drafts.shift();
    if (draft === undefined) return null;
    this.#count -= draft.writer.count;
    return { bundle: draft.writer.finish(), spans: draft.spans };
  }

  /** The last draft if the next item of `reader` fits it, else a new one. */
  #draftFor(reader: BundleReader): Draft {
    const last = this.#drafts.at(-1);
    if (last !== undefined && this.#fits(last, 0, 0, reader.nextLength)) return last;
    const draft = new Draft();
    assert(this.#fits(draft, 0, 0, reader.nextLength), "the caller checked the size");
    this.#drafts.push(draft);
    return draft;
  }

  /** Moves `reader` on, at least by one item, as long as `draft` has room; returns the number. */
  #readWhatFits(draft: Draft, reader: BundleReader): number {
    let count = 0;
    let bytes = 0;
    do {
      reader.next();
      count += 1;
      bytes += ITEM_OVERHEAD_BYTES + reader.end - reader.start;
    } while (reader.remaining > 0 && this.#fits(draft, count, bytes, reader.nextLength));
    return count;
  }

  #fits(draft: Draft, count: number, bytes: number, nextLength: number): boolean {
    const { bundleBytesMax, bundleOperationsMax } = this.#limits;
    const { writer } = draft;
    if (writer.count + count >= bundleOperationsMax) return false;
    return writer.byteLength + bytes + ITEM_OVERHEAD_BYTES + nextLength <= bundleBytesMax;
  }
}
