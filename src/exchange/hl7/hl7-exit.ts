import type { Deliver } from '../outbox/deliver.ts';
import type { ReadResult } from '../result/read-result.ts';
import { withoutPatient } from '../result/without-patient.ts';
import { acknowledged } from './acknowledgment.ts';
import { exchangeMllp, type MllpReceiver } from './mllp.ts';
import { type Hl7Names, oruMessage } from './oru-message.ts';

/** Delivers results to an HL7 v2 interface. */
export const hl7Exit =
  (receiver: MllpReceiver, names: Hl7Names, read: ReadResult): Deliver =>
  async (message, signal) => {
    const result = await read(message, signal);
    return withoutPatient(result, async () =>
      acknowledged(await exchangeMllp(oruMessage(result, names), receiver, signal), message.id),
    );
  };
