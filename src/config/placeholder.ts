/** Recognizes the text that a template has in place of a key. Pure. */

const PLACEHOLDERS = [
  /^(?:your|my|the|insert|enter|put|paste|replace|change|add)[\W_]/i,
  /^(?:change-?me|replace-?me|placeholder|example|dummy|todo|none|null|undefined|api[\W_]?key)$/i,
  /^<.*>$|^\[.*\]$|^\{.*\}$|^\$\{?\w+\}?$|^(?:\.{3}|…)$/,
  /^(?:sk-|AIza)?(?:[xX]{3,}|\*{3,}|\.{3,})$/,
  /[\W_](?:key|token)[\W_]here$/i,
];

/** Whether somebody copied a template and has not put their key in yet. */
export function isPlaceholder(key: string): boolean {
  return PLACEHOLDERS.some((pattern) => pattern.test(key));
}
