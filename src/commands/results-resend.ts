import { z } from 'zod';
import { resendFailed } from '../store/exchange/outgoing.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag, option } from './definition/field.ts';

const name = z.string().min(1, 'It is empty.').optional();

/** Sends again what other systems refused, once whatever was wrong is put right. */
export const resultsResend = defineCommand({
  name: 'results resend',
  help: 'send again what other systems (FHIR, HL7) refused, or did not take in the end',
  runs: 'in-node',
  options: z.strictObject({
    exit: option('--exit <name>', 'only what goes there: fhir or hl7', name),
    studyInstanceUid: option('--study <uid>', 'only what is about this study', name),
    json: jsonFlag,
  }),
  run: async ({ json, ...which }, { database, print }) => {
    const messages = await resendFailed(database, which);
    print(json ? JSON.stringify({ messages }) : `${messages} messages wait again`);
  },
});
