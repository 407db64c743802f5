/**
 * The server, spoken to. Addresses are relative, so that the page also works below a path.
 *
 * @import {Cutout} from "./photos.js"
 * @typedef {{max_bytes: number, types: string[], key_required: boolean, version: string}} Limits
 * @typedef {Record<string, string | Blob>} Options  of a cut-out, by the server's names
 * @typedef {{progress?: (share: number) => void, signal?: AbortSignal}} Watch
 */

const KEY = "cutaway-key";
const LONGEST_PAUSE = 60;
const TRIES = 6;

/** What went wrong, by the server's name for it (see locales) or one of our own: unreachable, unreadable-file, cancelled. */
export class Problem extends Error {
  /**
   * @param {string} slug
   * @param {string} detail  a sentence, for a slug that no locale knows
   * @param {number | null} pause  seconds after which another try makes sense
   */
  constructor(slug, detail = "", pause = null) {
    super(detail || slug);
    this.slug = slug;
    this.detail = detail;
    this.pause = pause;
  }
}

let key = remembered();

/** @param {string} given  "" for none */
export function useKey(given) {
  key = given;
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // Where storage is forbidden the key holds until the page is left.
  }
}

export const hasKey = () => key !== "";

function remembered() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** @returns {Promise<Limits>} */
export async function limits() {
  const response = await fetch("v1/limits");
  if (!response.ok) throw new Problem("unreachable");
  return response.json();
}

/** @returns {Promise<File>} */
export async function sample() {
  const response = await fetch("samples/astronaut.jpg");
  if (!response.ok) throw new Problem("unreachable");
  return new File([await response.blob()], "astronaut.jpg", { type: "image/jpeg" });
}

/**
 * Asks for a cut-out, and again while the server says it is busy.
 *
 * @param {File} photo
 * @param {Options} options
 * @param {Watch} watch
 * @returns {Promise<Cutout>}
 */
export async function cutOut(photo, options = {}, watch = {}) {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return cutoutOf(await post(photo, options, watch));
    } catch (error) {
      if (!(error instanceof Problem) || error.pause === null || left === 0) throw error;
      await wait(error.pause, watch.signal);
    }
  }
}

/**
 * `XMLHttpRequest`, as `fetch` cannot tell how much of the photo has been sent.
 *
 * @param {File} photo
 * @param {Options} options
 * @param {Watch} watch
 * @returns {Promise<XMLHttpRequest>}
 */
function post(photo, options, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/cutout");
    request.responseType = "blob";
    try {
      if (key) request.setRequestHeader("X-Api-Key", key);
    } catch {
      useKey(""); // a header takes Latin-1 alone, so this is no server's key
      throw new Problem("unauthorized");
    }
    request.upload.onprogress = ({ loaded, total }) => progress?.(loaded / total);
    request.onload = () =>
      request.status === 200 ? resolve(request) : problemOf(request).then(reject, reject);
    request.onerror = () => unsent([photo, ...Object.values(options)]).then(reject);
    request.onabort = () => reject(new Problem("cancelled"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(formOf(photo, options));
  });
}

/**
 * Returns why nothing went out: browsers send no file that is not what it was when it was chosen.
 *
 * @param {(string | Blob)[]} parts
 */
async function unsent(parts) {
  try {
    for (const part of parts) if (part instanceof Blob) await part.slice(0, 1).arrayBuffer();
  } catch {
    return new Problem("unreadable-file");
  }
  return new Problem("unreachable");
}

/**
 * @param {File} photo
 * @param {Options} options
 */
function formOf(photo, options) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append("image", photo);
  return form;
}

/**
 * @param {XMLHttpRequest} request
 * @returns {Cutout}
 */
function cutoutOf(request) {
  const header = (/** @type {string} */ name) => request.getResponseHeader(name) ?? "";
  return {
    blob: request.response,
    width: Number(header("X-Width")),
    height: Number(header("X-Height")),
    found: header("X-Found-Person") === "true",
    confidence: Number(header("X-Confidence")),
    note: header("X-Note"),
  };
}

/** @param {XMLHttpRequest} request */
async function problemOf(request) {
  const after = request.getResponseHeader("Retry-After");
  const pause = after === null ? null : Math.min(LONGEST_PAUSE, Number(after) || 1);
  const isProblem = request.getResponseHeader("Content-Type")?.startsWith("application/problem+json");
  if (!isProblem) return new Problem(`status-${request.status}`, "", pause);
  const { type, detail, title } = JSON.parse(await request.response.text());
  return new Problem(String(type).split("/").at(-1) ?? "", detail ?? title, pause);
}

/**
 * @param {number} seconds
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<void>}
 */
function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => reject(new Problem("cancelled")));
  });
}
