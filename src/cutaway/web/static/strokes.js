/**
 * Brush strokes, painted over a cut-out. A stroke is a row of stamps with a soft rim; the stamps of a stroke that grows
 * stay where they are, so that painting it bit by bit, or at once, gives the same pixels.
 *
 * @import {Context} from "./canvas.js"
 * @import {Point, Stroke} from "./photos.js"
 */
import { blank } from "./canvas.js";

/** Distance between stamps, as a share of their size. */
const SPACING = 1 / 8;
/** Where the soft rim of a stamp begins, as a share of its radius. */
const CORE = 0.6;

/**
 * Paints the stamps of a stroke from the number `first` on, and returns how many there are.
 *
 * @param {Context} target  the cut-out
 * @param {Stroke} stroke
 * @param {CanvasImageSource | null} photo  of the target's size; what `keep` brings back
 * @param {number} scale  pixels of the target for one of the photo
 * @param {number} first
 */
export function paint(target, stroke, photo, scale = 1, first = 0) {
  const size = Math.max(1, Math.round(stroke.size * scale));
  const centres = stamps(stroke.points, stroke.size * SPACING);
  const tip = softTip(size);
  const piece = blank(size, size);
  target.save();
  if (stroke.kind === "erase") target.globalCompositeOperation = "destination-out";
  for (const { x, y } of centres.slice(first)) {
    const [left, top] = [Math.round(x * scale - size / 2), Math.round(y * scale - size / 2)];
    if (stroke.kind === "erase") target.drawImage(tip, left, top);
    else if (photo) target.drawImage(cutWith(tip, piece, photo, left, top), left, top);
  }
  target.restore();
  return centres.length;
}

/**
 * Returns points along a line, `spacing` apart, beginning with its first.
 *
 * @param {readonly Point[]} line
 * @param {number} spacing
 * @returns {Point[]}
 */
export function stamps(line, spacing) {
  const found = line.slice(0, 1);
  let left = spacing;
  for (const [index, end] of line.slice(1).entries()) {
    const start = /** @type {Point} */ (line[index]);
    const length = Math.hypot(end.x - start.x, end.y - start.y);
    for (; left <= length; left += spacing) {
      const share = left / length;
      found.push({ x: start.x + (end.x - start.x) * share, y: start.y + (end.y - start.y) * share });
    }
    left -= length;
  }
  return found;
}

/** @param {number} size */
function softTip(size) {
  const tip = blank(size, size);
  const rim = tip.createRadialGradient(size / 2, size / 2, (size / 2) * CORE, size / 2, size / 2, size / 2);
  rim.addColorStop(0, "#000f");
  rim.addColorStop(1, "#0000");
  tip.fillStyle = rim;
  tip.fillRect(0, 0, size, size);
  return tip.canvas;
}

/**
 * Returns what the photo shows below the tip, at whole pixels, so that nothing is resampled.
 *
 * @param {HTMLCanvasElement} tip
 * @param {Context} piece
 * @param {CanvasImageSource} photo
 * @param {number} left
 * @param {number} top
 */
function cutWith(tip, piece, photo, left, top) {
  piece.globalCompositeOperation = "copy";
  piece.drawImage(tip, 0, 0);
  piece.globalCompositeOperation = "source-in";
  piece.drawImage(photo, -left, -top);
  return piece.canvas;
}
