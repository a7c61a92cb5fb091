import type { NamedInstance } from './services/commitment.ts';

/**
 * Keeps which instances were sent, or are about to be, and not committed to yet: a process that is killed in
 * between, and another one that comes after it, knows that they are not safe.
 */
export interface CommitmentLedger {
  /** Before they are sent. */
  expect(instances: readonly NamedInstance[]): Promise<void>;
  /** The archive is about to be asked for its commitment. */
  asked(transactionUid: string, sopInstanceUids: readonly string[]): Promise<void>;
  /** Those of them that the archive has not committed to. */
  pending(sopInstanceUids: readonly string[]): Promise<NamedInstance[]>;
  /** They are safe. @param transactionUid only where that is what was asked last */
  settled(sopInstanceUids: readonly string[], transactionUid?: string): Promise<void>;
}

/** A ledger for as long as the process lives. */
export class LedgerInMemory implements CommitmentLedger {
  readonly #pending = new Map<string, NamedInstance & { readonly transactionUid?: string }>();

  async expect(instances: readonly NamedInstance[]): Promise<void> {
    for (const instance of instances) this.#pending.set(instance.sopInstanceUid, instance);
  }

  async asked(transactionUid: string, sopInstanceUids: readonly string[]): Promise<void> {
    for (const uid of sopInstanceUids) {
      const known = this.#pending.get(uid);
      if (known) this.#pending.set(uid, { ...known, transactionUid });
    }
  }

  async pending(sopInstanceUids: readonly string[]): Promise<NamedInstance[]> {
    return sopInstanceUids.flatMap((uid) => this.#pending.get(uid) ?? []);
  }

  async settled(sopInstanceUids: readonly string[], transactionUid?: string): Promise<void> {
    for (const uid of sopInstanceUids) {
      const isIt = transactionUid === undefined || this.#pending.get(uid)?.transactionUid === transactionUid;
      if (isIt) this.#pending.delete(uid);
    }
  }
}
