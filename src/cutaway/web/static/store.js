/**
 * One value that changes, and those who want to know.
 *
 * @template T
 * @typedef {object} Store
 * @property {() => T} get
 * @property {(step: (value: T) => T) => void} update
 * @property {(listener: (value: T) => void) => void} subscribe
 */

/**
 * @template T
 * @param {T} value
 * @returns {Store<T>}
 */
export function createStore(value) {
  /** @type {((value: T) => void)[]} */
  const listeners = [];
  return {
    get: () => value,
    update(step) {
      value = step(value);
      for (const listener of listeners) listener(value);
    },
    subscribe: (listener) => void listeners.push(listener),
  };
}
