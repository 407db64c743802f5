/**
 * Work through a list, a few at once.
 *
 * @template T
 * @param {(item: T) => Promise<unknown>} work  must not reject
 * @param {number} atOnce
 * @returns {(item: T) => void}  which adds an item
 */
export function createQueue(work, atOnce) {
  /** @type {T[]} */
  const waiting = [];
  let running = 0;

  async function next() {
    const item = waiting.shift();
    if (item === undefined) return;
    running += 1;
    await work(item);
    running -= 1;
    next();
  }

  return (item) => {
    waiting.push(item);
    if (running < atOnce) next();
  };
}
