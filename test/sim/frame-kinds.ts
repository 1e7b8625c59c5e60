import { readU32 } from "../../src/core/wire/integers.js";
import {
  FrameKind,
  FrameOffset,
  HEADER_BYTES,
  kindOfType,
  LENGTH_BYTES,
} from "../../src/core/wire/layout.js";

/** The kinds of the messages of a packed frame; nothing of a fragment can be told. */
export function kindsIn(frame: Uint8Array): string[] {
  if (frame[FrameOffset.kind] !== FrameKind.packed) return [];
  const kinds: string[] = [];
  let offset = HEADER_BYTES;
  while (offset + LENGTH_BYTES < frame.length) {
    kinds.push(kindOfType(frame[offset + LENGTH_BYTES] ?? 0) ?? "?");
    offset += LENGTH_BYTES + readU32(frame, offset);
  }
  return kinds;
}
