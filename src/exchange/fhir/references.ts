import { deriveUuid } from '../../dicom/uids.ts';
import { isoDate } from '../../results/dates.ts';
import type { OutgoingResult, ResultOrder } from '../result/outgoing-result.ts';
import { type Identifier, type IssuerSystems, issuedIdentifier, type Reference } from './terms.ts';

/** Ids of the resources of a result: the same whenever it is sent, and for all that takes its place. */
export interface ResourceIds {
  readonly study: string;
  readonly observation: string;
  readonly report: string;
  readonly selection: string;
  /** The node, in this version; and the model in it. */
  readonly node: string;
  readonly model: string;
  /** One for each change of a result. */
  readonly provenance: string;
}

export function resourceIds(result: OutgoingResult): ResourceIds {
  const id = (...parts: string[]) => deriveUuid('FHIR', ...parts);
  const { device, model, softwareVersion, study } = result;
  const node = id('Device', device.uid, softwareVersion);
  return {
    study: id('ImagingStudy', study.uid),
    observation: id('Observation', result.result),
    report: id('DiagnosticReport', result.result),
    selection: id('ImagingSelection', result.result),
    node,
    model: id('Device', node, model.name, model.version, model.sha256, model.mode),
    provenance: id('Provenance', result.messageId),
  };
}

export const reference = (type: string, id: string): Reference => ({ reference: `${type}/${id}`, type });

/** The patient by identifier: who that is, the receiver knows. */
export const patientReference = ({ patient }: OutgoingResult, systems: IssuerSystems): Reference => ({
  type: 'Patient',
  identifier: issuedIdentifier(patient.id, { code: 'MR', display: 'Medical record number' }, systems),
});

/** The orders by their accession numbers; those without one, by the number that they have. */
export function orderReferences({ orders }: OutgoingResult, systems: IssuerSystems): Reference[] {
  return orders.flatMap((order) => {
    const identifier = orderIdentifier(order, systems);
    return identifier ? [{ type: 'ServiceRequest', identifier }] : [];
  });
}

function orderIdentifier(
  { accession, placer, filler }: ResultOrder,
  systems: IssuerSystems,
): Identifier | undefined {
  if (accession) return issuedIdentifier(accession, { code: 'ACSN', display: 'Accession ID' }, systems);
  if (placer) return issuedIdentifier(placer, { code: 'PLAC', display: 'Placer Identifier' }, systems);
  return filler && issuedIdentifier(filler, { code: 'FILL', display: 'Filler Identifier' }, systems);
}

/**
 * When the study was made (dateTime). FHIR takes no time without a time zone: where the images name none, it
 * is the day.
 */
export function studyDateTime({ study }: OutgoingResult): string | undefined {
  const date = isoDate(study.date);
  const time = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d)(\.\d{1,6})?$/.exec(study.time);
  if (date === undefined || !time || study.offset === undefined) return date;
  const offset = study.offset.replace(/^(...)(..)$/, '$1:$2');
  return `${date}T${time[1]}:${time[2]}:${time[3]}${time[4] ?? ''}${offset}`;
}
