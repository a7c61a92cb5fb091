import { setTimeout as delay } from 'node:timers/promises';

export interface PartLook {
  readonly part: string;
  /** Undefined where the part can be used. */
  readonly error?: unknown;
}

export interface ReadinessParts {
  /** Each rejects with the reason while the part cannot be used. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /**
   * How long one check counts: probes come every few seconds from several places, and each check asks the
   * archive.
   */
  readonly cacheMs: number;
  /** Told when a part begins to fail (with the error), and when it can be used again. */
  readonly changed: (look: PartLook) => void;
}

/** A probe without an answer counts as failed anyway, but then without a reason. */
const CHECK_LIMIT_MS = 4_000;

/** Whether the parts that the work needs can be used. */
export class Readiness {
  readonly #parts: ReadinessParts;
  readonly #failing = new Set<string>();
  #last: { readonly at: number; readonly looks: Promise<PartLook[]> } | undefined;
  #closed: string | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Why the node takes nothing new: it has begun to stop. */
  get closed(): string | undefined {
    return this.#closed;
  }

  stop(): void {
    this.#closed = 'the node is stopping';
  }

  /** Never rejects. */
  look(): Promise<PartLook[]> {
    const now = performance.now();
    if (!this.#last || now - this.#last.at >= this.#parts.cacheMs)
      this.#last = { at: now, looks: this.#lookNow() };
    return this.#last.looks;
  }

  async #lookNow(): Promise<PartLook[]> {
    const looks = await Promise.all(
      Object.entries(this.#parts.checks).map(async ([part, check]): Promise<PartLook> => {
        try {
          await withinLimit(check());
          return { part };
        } catch (error) {
          return { part, error };
        }
      }),
    );
    for (const look of looks) {
      const failed = look.error !== undefined;
      if (failed === this.#failing.has(look.part)) continue;
      if (failed) this.#failing.add(look.part);
      else this.#failing.delete(look.part);
      this.#parts.changed(look);
    }
    return looks;
  }
}

async function withinLimit(check: Promise<void>): Promise<void> {
  const limit = new AbortController();
  const late = delay(CHECK_LIMIT_MS, undefined, { signal: limit.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${CHECK_LIMIT_MS / 1000} s`);
  });
  late.catch(() => undefined); // Where the check ends first, nobody waits for the limit.
  try {
    await Promise.race([check, late]);
  } finally {
    limit.abort();
  }
}
