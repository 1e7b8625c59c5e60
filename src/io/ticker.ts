/**
 * Calls `onTick` every `tickMs`, at most once a turn of the event loop: a process that was paused
 * gets one tick and not all that it missed, so its timers do not all fire at once.
 * @returns what stops it.
 */
export function startTicker(tickMs: number, onTick: () => void): () => void {
  const timer = setInterval(onTick, tickMs);
  return () => {
    clearInterval(timer);
  };
}
