import type { AuditEvent } from './message.ts';

/** Refusals of one kind within this time are two messages at most: the first one, and how many followed. */
const REFUSALS_TOGETHER_MS = 60_000;
/** Beyond these the refusals of a minute are counted together, whoever is refused. */
const MAX_KINDS = 256;
/** Room for what was asked for; attackers choose its length. */
const MAX_OBJECT_LENGTH = 200;

interface Followers {
  readonly first: AuditEvent;
  /** How many there were, by why they were refused. */
  readonly reasons: Map<string, number>;
}

/** Where refusals are counted, so that who is refused cannot fill the audit log. */
export interface Refusals {
  /**
   * @param kind refusals of the same kind are counted together: by the address, and by who somebody is
   */
  add(kind: string, refusal: AuditEvent): void;
}

/**
 * The first refusal of a kind within a minute is recorded as it is; those that follow are one message with
 * their number when the minute ends.
 */
export class RefusalTally implements Refusals {
  readonly #record: (event: AuditEvent) => void;
  readonly #now: () => Date;
  readonly #kinds = new Map<string, Followers>();
  #others: Followers | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ record, now }: { record: (event: AuditEvent) => void; now: () => Date }) {
    this.#record = record;
    this.#now = now;
  }

  add(kind: string, refusal: AuditEvent): void {
    this.#timer ??= setTimeout(() => this.tell(), REFUSALS_TOGETHER_MS).unref();
    const known = this.#kinds.get(kind);
    if (known) {
      count(known, refusal);
    } else if (this.#kinds.size < MAX_KINDS) {
      this.#kinds.set(kind, { first: refusal, reasons: new Map() });
      this.#record(withShortObjects(refusal));
    } else {
      this.#others ??= { first: refusal, reasons: new Map() };
      count(this.#others, refusal);
    }
  }

  /** The minute ends, or the node does. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const followers of this.#kinds.values()) this.#tellOf(followers, 'of the same kind');
    const others = this.#others;
    if (others) this.#tellOf(withoutRequestor(others), 'from further addresses');
    this.#kinds.clear();
    this.#others = undefined;
  }

  #tellOf({ first, reasons }: Followers, whose: string): void {
    if (reasons.size === 0) return;
    const total = [...reasons.values()].reduce((sum, number) => sum + number, 0);
    const each = [...reasons].map(([reason, number]) => `${number} x ${reason}`).join(', ');
    const { objects: _objects, ...event } = first;
    this.#record({
      ...event,
      at: this.#now(),
      outcomeDescription: `${total} more refusals ${whose} within a minute: ${each}`,
    });
  }
}

/** There are as many reasons as HTTP has statuses. */
function count({ reasons }: Followers, { outcomeDescription = 'refused' }: AuditEvent): void {
  reasons.set(outcomeDescription, (reasons.get(outcomeDescription) ?? 0) + 1);
}

const withShortObjects = (event: AuditEvent): AuditEvent => ({
  ...event,
  objects: (event.objects ?? []).map(({ id, ...object }) => ({
    ...object,
    id: id.length > MAX_OBJECT_LENGTH ? `${id.slice(0, MAX_OBJECT_LENGTH)}...` : id,
  })),
});

const withoutRequestor = ({ first, reasons }: Followers): Followers => ({
  first: {
    ...first,
    participants: first.participants.map((one) =>
      one.isRequestor ? { userId: 'several', isRequestor: true } : one,
    ),
  },
  reasons,
});
