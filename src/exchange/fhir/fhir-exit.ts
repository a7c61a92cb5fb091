import type { Sql } from '../../store/database/sql.ts';
import { volumesOfStudies } from '../../store/records/history.ts';
import type { Deliver } from '../outbox/deliver.ts';
import type { ReadResult } from '../result/read-result.ts';
import { withoutPatient } from '../result/without-patient.ts';
import { resourcesR4 } from './bundle-r4.ts';
import { resourcesR5 } from './bundle-r5.ts';
import { studySeries } from './resource-facts.ts';
import { type FhirServer, sendBundle } from './send.ts';
import type { IssuerSystems } from './terms.ts';

/** Delivers results to a FHIR server. */
export const fhirExit =
  (
    server: FhirServer,
    { read, database, systems }: { read: ReadResult; database: Sql; systems: IssuerSystems },
  ): Deliver =>
  async (message, signal) => {
    const result = await read(message, signal);
    const { segmentation } = result;
    const classes = new Map(
      segmentation?.sopClassUid === undefined
        ? []
        : [[segmentation.sopInstanceUid, segmentation.sopClassUid]],
    );
    const known = await volumesOfStudies(database, [message.studyInstanceUid]);
    // Of what is in the history alone the archive has nothing, under names that stand for no object.
    const volumes = known.filter(({ historyAlone }) => !historyAlone);
    const series = studySeries([...volumes, message.volume], classes);
    const resources = (server.version === 'R5' ? resourcesR5 : resourcesR4)(result, series, systems);
    return withoutPatient(result, () => sendBundle(server, resources, signal));
  };
