import { z } from 'zod';

const STUDY_PLACE = '{studyInstanceUid}';

/** An address that a browser may be sent to: http, https, or a path of the node's own. */
const isAddress = (template: string): boolean =>
  template.startsWith('/')
    ? !template.startsWith('//')
    : ['http:', 'https:'].includes(URL.parse(template)?.protocol ?? '');

/** What people see. */
export const pagesSchema = z.strictObject({
  patientNames: z.boolean(),
  viewerUrl: z
    .string()
    .refine((template) => template.includes(STUDY_PLACE), { error: `must contain ${STUDY_PLACE}` })
    .refine(isAddress, { error: 'must begin with http://, https:// or /' })
    .nullable(),
  imageCacheMegabytes: z.int().positive(),
  rejectionNotes: z.boolean(),
  referenceRange: z.enum(['none', 'saisho2007']),
  cohortPatient: z.enum(['key', 'id']),
});
