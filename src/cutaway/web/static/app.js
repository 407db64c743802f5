/**
 * The page: everything is made here, and put together.
 *
 * @import {Limits} from "./api.js"
 * @import {State} from "./photos.js"
 */
import { hasKey, limits, sample } from "./api.js";
import { createCamera } from "./camera.js";
import { byId, create } from "./dom.js";
import { LANGUAGES, preferred, remember, t, use } from "./i18n.js";
import { acceptChoice, acceptDrops, acceptPaste } from "./intake.js";
import { ask, createLock } from "./key.js";
import { added, changed, drawn, EMPTY, photoOf, removed } from "./photos.js";
import { createStore } from "./store.js";
import { createCursor } from "./view/cursor.js";
import { createList } from "./view/list.js";
import { createPanel } from "./view/panel.js";
import { createSaving } from "./view/saving.js";
import { createStage } from "./view/stage.js";
import { toast } from "./view/toast.js";
import { sentence, useLimits } from "./view/words.js";
import { createWork, problemOf } from "./work.js";

/** @type {Limits | null} */
let known = null;

const store = createStore(EMPTY);
const unlocked = createLock();
const work = createWork(store, () => known, unlocked);
const showStage = createStage(
  store.get,
  (stroke) => store.update((state) => drawn(state, stroke)),
  (id) => store.update((state) => changed(state, id, { viewable: false })),
);
const showList = createList({ choose, remove, retry: work.start });
const showPanel = createPanel(store);
const showSaving = createSaving(store.get, unlocked);

/** @param {File[]} files */
function take(files) {
  const photos = files.map(photoOf);
  if (!photos.length) return;
  const hadFocus = byId("welcome", HTMLElement).contains(document.activeElement);
  store.update((state) => added(state, photos));
  if (hadFocus) byId("viewport", HTMLElement).focus();
  for (const { id } of photos) work.start(id);
}

/** @param {number} id */
function choose(id) {
  store.update((state) => ({ ...state, chosen: id }));
}

/** @param {number} id */
function remove(id) {
  work.cancel(id);
  store.update((state) => removed(state, id));
  const next = document.querySelector("#list [aria-current='true'], #welcome:not([hidden]) [data-choose]");
  if (next instanceof HTMLElement) next.focus(); // what had it is gone
}

/** @param {State} state */
function show(state) {
  const isEmpty = state.photos.length === 0;
  byId("welcome", HTMLElement).hidden = !isEmpty;
  byId("work", HTMLElement).hidden = isEmpty;
  showList(state);
  showStage();
  showPanel(state);
  showSaving(state);
}

async function trySample() {
  try {
    take([await sample()]);
  } catch (error) {
    toast(sentence(problemOf(error)));
  }
}

function wire() {
  const chooser = byId("chooser", HTMLInputElement);
  const openCamera = createCamera(take);
  acceptDrops(take);
  acceptPaste(take);
  acceptChoice(chooser, take);
  for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => chooser.click());
  for (const button of document.querySelectorAll("[data-selfie]")) {
    button.toggleAttribute("hidden", !navigator.mediaDevices);
    button.addEventListener("click", openCamera);
  }
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog")?.close());
  }
  byId("sample", HTMLElement).addEventListener("click", trySample);
  byId("veil-retry", HTMLElement).addEventListener("click", () => work.start(store.get().chosen ?? 0));
  createCursor(store.get);
  store.subscribe(show);
}

function offerLanguages() {
  const select = byId("language", HTMLSelectElement);
  select.append(...Object.entries(LANGUAGES).map(([value, textContent]) => create("option", { value, textContent, lang: value })));
  select.value = document.documentElement.lang;
  select.addEventListener("change", async () => {
    remember(select.value);
    await speak(select.value);
  });
}

/** @param {string} language */
async function speak(language) {
  await use(language);
  document.title = t("title");
  showVersion();
  show(store.get());
}

function showVersion() {
  byId("version", HTMLElement).textContent = known && t("version", { version: known.version });
}

async function learnLimits() {
  known = await limits();
  useLimits(known);
  showVersion();
  if (known.key_required && !hasKey()) await ask();
}

wire();
try {
  await speak(preferred());
} finally {
  document.documentElement.classList.remove("loading");
}
offerLanguages();
learnLimits().catch(() => {}); // the first photo will tell
