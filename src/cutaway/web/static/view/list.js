/**
 * The photos in hand.
 *
 * @import {Photo, State} from "../photos.js"
 * @typedef {{choose: (id: number) => void, remove: (id: number) => void, retry: (id: number) => void}} Actions
 * @typedef {{item: HTMLLIElement, update: (photo: Photo, chosen: boolean) => void}} Row
 */
import { byId, create, icon } from "../dom.js";
import { label, t } from "../i18n.js";
import { drawThumbnail } from "./thumbnail.js";
import { sentence, stateOf } from "./words.js";

/** @param {Actions} actions */
export function createList(actions) {
  const list = byId("list", HTMLUListElement);
  const announcement = byId("announcement", HTMLElement);
  /** @type {Map<number, Row>} */
  const rows = new Map();
  /** @type {number | null} */
  let current = null;
  /** @param {string} text */
  const announce = (text) => (announcement.textContent = text);

  /** @param {State} state */
  return function update({ photos, chosen }) {
    const wasCurrent = current;
    current = chosen;
    const ids = new Set(photos.map(({ id }) => id));
    for (const [id, { item }] of rows) {
      if (ids.has(id)) continue;
      item.remove();
      rows.delete(id);
    }
    for (const photo of photos) {
      const row = rows.get(photo.id) ?? createRow(photo, actions, announce);
      if (!rows.has(photo.id)) list.append(row.item);
      rows.set(photo.id, row);
      row.update(photo, photo.id === chosen);
      if (photo.id === chosen && chosen !== wasCurrent) bringIn(list, row.item);
    }
  };
}

/**
 * Scrolls the list, which is one row on a phone, but never the page.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement} item
 */
function bringIn(list, item) {
  const [frame, inside] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  const isIn = inside.left >= frame.left && inside.right <= frame.right;
  if (!isIn) list.scrollBy({ left: inside.left + inside.width / 2 - frame.left - frame.width / 2 });
}

/**
 * @param {Photo} photo
 * @param {Actions} actions
 * @param {(text: string) => void} announce
 * @returns {Row}
 */
function createRow({ id, file }, { choose, remove, retry }, announce) {
  const thumbnail = create("canvas", { className: "thumbnail", width: 1, height: 1 });
  const state = create("span", { className: "state" });
  const words = create("span", { className: "words" }, create("bdi", { className: "name", textContent: file.name }), state);
  const open = create("button", { type: "button", className: "open", onclick: () => choose(id) }, thumbnail, words);
  const again = iconButton("retry", () => retry(id));
  const away = iconButton("close", () => remove(id));
  const item = create("li", { className: "photo" }, open, again, away);
  let last = "";
  drawThumbnail(thumbnail, file);

  /** @param {Photo} photo @param {boolean} chosen */
  function update(photo, chosen) {
    item.dataset.state = photo.state;
    item.style.setProperty("--progress", String(photo.progress));
    open.setAttribute("aria-current", String(chosen));
    state.textContent = photo.problem ? sentence(photo.problem) : stateOf(photo);
    again.hidden = photo.state !== "failed";
    label(again, t("photo.retry", { name: file.name }));
    label(away, t("photo.remove", { name: file.name }));
    if (photo.state === last) return;
    last = photo.state;
    announce(t("photo.announce", { name: file.name, state: state.textContent ?? "" }));
    if (photo.cutout?.found) drawThumbnail(thumbnail, photo.cutout.blob);
  }
  return { item, update };
}

/**
 * @param {string} name
 * @param {() => void} onclick
 */
const iconButton = (name, onclick) =>
  create("button", { type: "button", className: "plain", onclick }, icon(name));
