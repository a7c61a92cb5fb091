import { z } from 'zod';

/** A day as people write it, YYYY-MM-DD, or as DICOM has it; gives DA. */
export const daySchema = z
  .string()
  .transform((day) => day.replace(/^(\d{4})-(\d\d)-(\d\d)$/, '$1$2$3'))
  .refine((day) => {
    const iso = day.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
    return iso !== day && new Date(iso).toJSON()?.slice(0, 10) === iso;
  }, 'It is no day such as 2019-01-31.');
