/**
 * Where the photo lies in the viewport: pure geometry. All lengths are CSS pixels, and physical: left is left in every
 * language.
 *
 * @import {Point} from "../photos.js"
 * @typedef {{width: number, height: number}} Size
 * @typedef {Point & {scale: number}} View  the photo's left upper corner, and screen pixels for one of the photo's
 */

const MARGIN = 16;
const LARGEST_FIT = 2;
const LARGEST = 16;

/**
 * Shows the whole photo, small ones enlarged a little.
 *
 * @param {Size} photo
 * @param {Size} frame
 * @returns {View}
 */
export function fit(photo, frame) {
  const across = (frame.width - 2 * MARGIN) / photo.width;
  const down = (frame.height - 2 * MARGIN) / photo.height;
  return settled({ x: 0, y: 0, scale: Math.min(across, down, LARGEST_FIT) }, photo, frame);
}

/**
 * Zooms while the point `at` stays where it is.
 *
 * @param {View} view
 * @param {number} factor
 * @param {Point} at
 * @param {Size} photo
 * @param {Size} frame
 * @returns {View}
 */
export function zoomed(view, factor, at, photo, frame) {
  const least = fit(photo, frame).scale;
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(LARGEST, least));
  const ratio = scale / view.scale;
  return settled({ x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio, scale }, photo, frame);
}

/**
 * @param {View} view
 * @param {Point} by
 * @param {Size} photo
 * @param {Size} frame
 */
export const panned = (view, by, photo, frame) =>
  settled({ ...view, x: view.x + by.x, y: view.y + by.y }, photo, frame);

/**
 * Centres the photo where it is smaller than the frame, and else leaves no gap beside it.
 *
 * @param {View} view
 * @param {Size} photo
 * @param {Size} frame
 * @returns {View}
 */
function settled({ x, y, scale }, photo, frame) {
  return { x: along(x, photo.width * scale, frame.width), y: along(y, photo.height * scale, frame.height), scale };
}

/**
 * @param {number} start
 * @param {number} length
 * @param {number} space
 */
function along(start, length, space) {
  if (length <= space) return (space - length) / 2;
  return Math.min(MARGIN, Math.max(space - length - MARGIN, start));
}
