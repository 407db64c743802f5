/** The page's texts. A further language is one file in locales/ and one line here. */
export const LANGUAGES = { en: "English", he: "עברית" };

const REMEMBERED = "cutaway-language";

/** @type {Record<string, string>} */
let texts = {};
let language = "en";

/** Returns the language asked for: in the address, at an earlier visit, or by the browser. */
export function preferred() {
  const wishes = [new URLSearchParams(location.search).get("lang"), remembered(), ...navigator.languages];
  const known = wishes.map((wish) => wish?.split("-")[0] ?? "").find((wish) => Object.hasOwn(LANGUAGES, wish));
  return known ?? "en";
}

/** @param {string} code  a key of LANGUAGES */
export async function use(code) {
  const response = await fetch(`static/locales/${code}.json`);
  texts = await response.json();
  language = code;
  document.documentElement.lang = code;
  document.documentElement.dir = t("direction");
  translate(document.body);
}

/** @param {string} code */
export function remember(code) {
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    // Where storage is forbidden the choice holds for this visit.
  }
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} values  for the {names} in the text
 */
export const t = (key, values = {}) =>
  (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

/** @param {string} key */
export const has = (key) => Object.hasOwn(texts, key);

/** @param {number} share  0..1 */
export const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);

/** @param {number} value */
export const number = (value) => new Intl.NumberFormat(language).format(value);

/**
 * @param {number} bytes
 */
export const megabytes = (bytes) =>
  new Intl.NumberFormat(language, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 }).format(bytes / 1e6);

export const isRightToLeft = () => document.documentElement.dir === "rtl";

/**
 * `data-i18n` names an element's text; `data-i18n-label` the name of a control that shows an icon alone.
 *
 * @param {ParentNode} root
 */
function translate(root) {
  for (const element of elements(root, "[data-i18n]")) element.textContent = t(element.dataset.i18n ?? "");
  for (const element of elements(root, "[data-i18n-label]")) label(element, t(element.dataset.i18nLabel ?? ""));
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
export function label(element, text) {
  element.ariaLabel = text;
  element.title = text;
}

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {NodeListOf<HTMLElement>}
 */
const elements = (root, selector) => root.querySelectorAll(selector);

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
