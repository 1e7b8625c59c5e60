import { move, Piscina } from "piscina";

/** Threads that turn one buffer into another. */
export interface ThreadPool {
  /** Transfers `job` to a thread; resolves with the answer, rejects when the thread failed. */
  run(job: ArrayBuffer): Promise<ArrayBuffer>;

  /** Stops all threads; what is still running is lost. */
  close(): Promise<void>;
}

/** How to start a `ThreadPool`. */
interface ThreadPoolOptions {
  /** The module that every thread loads. */
  readonly workerUrl: URL;
  /** Its exported function: takes the job, returns the answer through `transferred`. */
  readonly handlerName: string;
  /** What the module finds as `workerData`; cloned once per thread. */
  readonly workerData: unknown;
  /** 1 and up. */
  readonly threadCount: number;
  /** Jobs given to one thread at a time: the next one waits there while the first one runs. */
  readonly jobsPerThread: number;
  /** Called when a thread fails that runs no job, until `close`. */
  readonly onThreadFailure: (cause: Error) => void;
}

/** Starts the threads; they keep the process alive only while they run jobs. */
export function startThreadPool(options: ThreadPoolOptions): ThreadPool {
  const piscina = new Piscina<ArrayBuffer, ArrayBuffer>({
    filename: options.workerUrl.href,
    name: options.handlerName,
    workerData: options.workerData,
    // All threads from the start and for good: a start costs some 30 ms, in the middle of a burst.
    minThreads: options.threadCount,
    maxThreads: options.threadCount,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: options.jobsPerThread,
    // The caller bounds what is under way; nothing ever queues here.
    maxQueue: 0,
    // Plain messages. Atomics.wait sleeps rather than spins, but it takes the event loop away from
    // an idle thread, and it gains nothing where replicas live: with four processes on two cores a
    // hop took 45 to 90 µs with it and 55 to 75 µs without.
    atomics: "disabled",
    recordTiming: false,
    trackUnmanagedFds: false,
  });
  let closed = false;
  // A thread may still fail on its way out, e.g. the second of two that could not even start.
  piscina.on("error", (cause: Error) => {
    if (!closed) options.onThreadFailure(cause);
  });
  return {
    run: (job) => piscina.run(job, { transferList: [job] }),
    close: () => {
      closed = true;
      return piscina.destroy();
    },
  };
}

/** Wraps what a handler returns so that it is transferred, not copied. */
export function transferred(answer: ArrayBuffer): unknown {
  return move(answer);
}
