/** One input that somebody outside chooses, and that must cost no more than its share. */

export interface Costly {
  readonly name: string;
  /** A POST to the API. */
  readonly ask?: {
    readonly path: string;
    readonly form: Readonly<Record<string, string>> | [string, string][];
  };
  /** Or a GET, below `/api/v1/`. */
  readonly url?: string;
  /** How many of them at the same time; 1 without it. */
  readonly atOnce?: number;
  /** Or what a scrape target answers from now on, for some scrapes. */
  readonly page?: () => Response;
}
