/**
 * Canvases, and files decoded for them.
 *
 * @typedef {CanvasRenderingContext2D} Context
 */

import { Problem } from "./api.js";

/** What every browser takes: iOS draws nothing on a canvas of more. */
export const MOST_PIXELS = 4096 * 4096;

/**
 * @param {number} width
 * @param {number} height
 * @returns {Context}
 */
export function blank(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return context(canvas);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Context}
 */
export function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("no canvas is left");
  return found;
}

/**
 * Returns the picture upright, in sRGB and no larger than `most`, or null if the browser cannot read it.
 *
 * @param {Blob} blob
 * @param {number} most  pixels
 * @returns {Promise<ImageBitmap | null>}
 */
export async function decode(blob, most = MOST_PIXELS) {
  const whole = await createImageBitmap(blob).catch(() => null);
  const scale = whole ? Math.sqrt(most / (whole.width * whole.height)) : 1;
  if (!whole || scale >= 1) return whole;
  const resizeWidth = Math.max(1, Math.floor(whole.width * scale));
  const resizeHeight = Math.max(1, Math.floor(whole.height * scale));
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
  whole.close();
  return small;
}

/**
 * Draws a picture so that it covers the canvas, its aspect kept.
 *
 * @param {Context} target
 * @param {ImageBitmap} picture
 */
export function drawCovering(target, picture) {
  const { width, height } = target.canvas;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [across, down] = [picture.width * scale, picture.height * scale];
  target.imageSmoothingQuality = "high";
  target.drawImage(picture, (width - across) / 2, (height - down) / 2, across, down);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} quality  0..1, for types that lose something
 * @returns {Promise<Blob>}
 */
export function encode(canvas, type, quality = 0.92) {
  return new Promise((resolve, reject) => {
    // A browser that cannot write the type writes PNG.
    const check = (/** @type {Blob | null} */ blob) => (blob?.type === type ? resolve(blob) : reject(new Problem("unwritable")));
    canvas.toBlob(check, type, quality);
  });
}
