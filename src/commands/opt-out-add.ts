import { addOptOut } from '../store/records/opt-out.ts';
import { nobodyTest } from '../store/records/patient-key.ts';
import { StoreError } from '../store/store-error.ts';
import { defineCommand } from './definition/command.ts';
import { optOutOf, optOutOptions } from './options/opt-out.ts';

export const optOutAdd = defineCommand({
  name: 'opt-out add',
  help: 'put a patient or a study on the list',
  runs: 'in-node',
  options: optOutOptions,
  run: async (options, { config, database, print }) => {
    const { patientId, issuer } = options;
    if (patientId !== undefined && nobodyTest(config.patients.placeholderIds)({ patientId, issuer })) {
      throw new StoreError(
        'PLACEHOLDER_ID',
        'opt-out add: this PatientID stands for nobody, and may be that of many patients; name the study',
      );
    }
    const isNew = await addOptOut(database, optOutOf(options), new Date());
    print(isNew ? 'added; it is not processed from now on' : 'it was on the list already');
  },
});
