import { DeliveryError } from '../outbox/delivery-error.ts';
import type { OutgoingResult } from './outgoing-result.ts';

/** A letter or two would take a message apart, and names nobody. */
const SHORTEST = 3;

/**
 * What a receiver says of a message may repeat what stands in it: of the patient, nothing of it is kept. The
 * database and the log hold none for it.
 */
export async function withoutPatient<T>(
  { patient, orders }: OutgoingResult,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    const { failure, message, pauseMs, cause } = error;
    throw new DeliveryError(failure, hidden(message, identifying({ patient, orders })), { pauseMs, cause });
  }
}

const identifying = ({ patient, orders }: Pick<OutgoingResult, 'patient' | 'orders'>): string[] => [
  patient.id.value,
  patient.birthDate ?? '',
  ...orders.flatMap(({ accession, placer, filler }) =>
    [accession, placer, filler].map((id) => id?.value ?? ''),
  ),
  ...(patient.name ?? '').split(/[\s=^]+/),
];

const hidden = (text: string, words: readonly string[]): string =>
  words
    .filter((word) => word.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.replaceAll(new RegExp(literally(word), 'gi'), '***'), text);

const literally = (word: string): string => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
