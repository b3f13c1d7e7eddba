/** Which of Sentinel's own settings no child process may see. */

/** Secrets in themselves. */
export const SECRET_SETTINGS = [
  "GEMINI_API_KEY",
  "LM_STUDIO_API_KEY",
  "OPERATOR_TOKEN",
  "FAULT_TOKEN",
  "PROMETHEUS_TOKEN",
  "PROMETHEUS_HEADERS",
] as const;

/** Addresses, in which a password may stand. */
export const ADDRESS_SETTINGS = [
  "PROMETHEUS_URL",
  "SCRAPE_TARGETS",
  "LM_STUDIO_URL",
  "GEMINI_BASE_URL",
  "TARGET_URL",
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The user and password of a URL, wherever it stands in a text. */
const USER_IN_URL = /:\/\/[^\s/?#@]*@/;

/** The environment without the secrets of Sentinel's own settings; all else of it is another's. */
export function withoutSecrets(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([key, value = ""]) => {
      if (SECRET_SETTINGS.some((secret) => secret === key)) return false;
      return !(ADDRESS_SETTINGS.some((address) => address === key) && USER_IN_URL.test(value));
    }),
  );
}
