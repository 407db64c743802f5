/** The dialog that asks for the server's API key. */
import { Problem, useKey } from "./api.js";
import { byId } from "./dom.js";

/**
 * Returns a function that runs an attempt, and once more with each key that is given, until one fits or none is.
 * Attempts that fail together share one question.
 */
export function createLock() {
  /** @type {Promise<boolean> | null} */
  let asked = null;

  /**
   * @template T
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  return async function unlocked(attempt) {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Problem) || error.slug !== "unauthorized") throw error;
        asked ??= ask().finally(() => (asked = null));
        if (!(await asked)) throw error;
      }
    }
  };
}

/**
 * Resolves to whether a key was given.
 *
 * @returns {Promise<boolean>}
 */
export function ask() {
  const dialog = byId("key", HTMLDialogElement);
  const input = byId("key-input", HTMLInputElement);
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const given = dialog.returnValue === "given" && input.value !== "";
        if (given) useKey(input.value);
        resolve(given);
      },
      { once: true },
    );
  });
}
