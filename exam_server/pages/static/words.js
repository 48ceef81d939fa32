// How words get onto a page: a table of [Russian, English], values put in, spaces that must not break.

const NBSP = "\u00a0";
const LANGUAGES = ["ru", "en"];
// No lookbehind: an older Safari could not even read this file.
const SHORT_WORD = /(^|[^\p{L}\d-])(\p{Script=Cyrillic}{1,2}|№|для|при|под|над|без) (?=\S)/giu;
const BEFORE_DASH = / (?=[—–] )/g;
const AFTER_NUMBER = /(\d) (?=[\p{Script=Cyrillic}%₽°×]|\d{3}(?!\d))/gu;

/** Text with its spaces made non-breaking where a line must not end. */
export function typeset(text) {
  const short = (value) => value.replace(SHORT_WORD, `$1$2${NBSP}`);
  return short(short(text)).replace(BEFORE_DASH, NBSP).replace(AFTER_NUMBER, `$1${NBSP}`);
}

/**
 * A function `say(key, values)`. An entry is [ru, en]; each is a text or plural forms by `values.count`:
 * { one, few, many, other }. `{name}` in a text stands for a value.
 */
export function speaker(table, lang = document.documentElement.lang) {
  const place = Math.max(0, LANGUAGES.indexOf(lang));
  const plural = new Intl.PluralRules(LANGUAGES[place]);
  return (key, values = {}) => {
    const entry = table[key][place];
    const text = typeof entry === "string" ? entry : (entry[plural.select(values.count)] ?? entry.other ?? entry.many);
    return typeset(text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole));
  };
}

/** A number as the language writes it. */
export function numberText(value, digits = 0, lang = document.documentElement.lang) {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: digits }).format(value);
}

/**
 * A time of day in a zone, with the day where it is not that of `now`: «14:30», «23 ноября, 09:00».
 * `now` is the server's: a clock that is a day off would leave the day out.
 */
export function timeText(moment, now, zone, lang = document.documentElement.lang) {
  const write = (value, options) => new Intl.DateTimeFormat(lang, { timeZone: zone, ...options }).format(value);
  const day = { day: "numeric", month: "long" };
  const time = write(moment, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return write(moment, day) === write(now, day) ? time : `${write(moment, day)}, ${time}`;
}

/** A length of time in words, by whole minutes and hours; below a minute by seconds. */
export function spanText(span, lang = document.documentElement.lang) {
  const write = (value, unit) =>
    new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" }).format(value);
  const seconds = Math.round(span / 1000);
  if (seconds < 60) {
    return write(seconds, "second");
  }
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = hours ? 0 : seconds % 60;
  return [
    hours && write(hours, "hour"),
    minutes && write(minutes, "minute"),
    rest && write(rest, "second"),
  ].filter(Boolean).join(" ");
}
