import { z } from 'zod';
import type { OptOut } from '../../store/records/opt-out.ts';
import { option, optionalText } from '../definition/field.ts';

interface Named {
  readonly patientId?: string | undefined;
  readonly issuer?: string | undefined;
  readonly studyInstanceUid?: string | undefined;
}

/** A patient or a study. */
export const optOutOptions = z
  .strictObject({
    patientId: option('--patient <id>', 'PatientID; kept as a keyed hash', optionalText),
    issuer: option('--issuer <issuer>', 'its IssuerOfPatientID; without it: whoever issued it', optionalText),
    studyInstanceUid: option('--study <uid>', 'Study Instance UID', optionalText),
  })
  .refine(
    (named) => read(named) !== undefined,
    'opt-out: name one of --study UID and --patient ID (with --issuer, where IDs are not unique)',
  );

export function optOutOf(named: z.output<typeof optOutOptions>): OptOut {
  const optOut = read(named);
  if (!optOut) throw new TypeError('these options did not pass optOutOptions');
  return optOut;
}

function read({ patientId, issuer, studyInstanceUid }: Named): OptOut | undefined {
  if (studyInstanceUid !== undefined)
    return patientId === undefined && issuer === undefined ? { studyInstanceUid } : undefined;
  return patientId !== undefined && patientId.trim() !== '' ? { patientId, issuer } : undefined;
}
