/**
 * Brings photos to the server, two at a time, and what it answers into the state.
 *
 * @import {Limits} from "./api.js"
 * @import {Photo, State} from "./photos.js"
 * @import {Store} from "./store.js"
 */
import { cutOut, Problem } from "./api.js";
import { changed, find } from "./photos.js";
import { createQueue } from "./queue.js";

const AT_ONCE = 2;

/**
 * @param {Store<State>} store
 * @param {() => Limits | null} limits
 * @param {<T>(attempt: () => Promise<T>) => Promise<T>} unlocked  runs it, and again once a key is given
 * @returns {{start: (id: number) => void, cancel: (id: number) => void}}
 */
export function createWork(store, limits, unlocked) {
  /** @type {Map<number, AbortController>} */
  const running = new Map();
  /** @param {number} id @param {Partial<Photo>} changes */
  const change = (id, changes) => store.update((state) => changed(state, id, changes));

  /** @param {number} id */
  async function run(id) {
    const photo = find(store.get(), id);
    if (!photo) return;
    const stop = new AbortController();
    running.set(id, stop);
    change(id, { state: "working" });
    try {
      const progress = (/** @type {number} */ share) => change(id, { progress: share });
      refuseTooLarge(photo.file, limits());
      const cutout = await unlocked(() => cutOut(photo.file, {}, { progress, signal: stop.signal }));
      change(id, { state: "done", cutout });
    } catch (error) {
      change(id, { state: "failed", problem: problemOf(error) });
    }
    running.delete(id);
  }

  const add = createQueue(run, AT_ONCE);
  return {
    start(id) {
      change(id, { state: "waiting", progress: 0, problem: null });
      add(id);
    },
    cancel: (id) => running.get(id)?.abort(),
  };
}

/**
 * Says at once what the server would say after the upload.
 *
 * @param {File} file
 * @param {Limits | null} limits
 */
function refuseTooLarge(file, limits) {
  if (limits && file.size > limits.max_bytes) throw new Problem("too-many-bytes");
}

/** @param {unknown} error */
export const problemOf = (error) => (error instanceof Problem ? error : new Problem("unexpected", String(error)));
