import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { readReport } from '../../src/sr/read-report.ts';
import { outgoingOfStudy } from '../../src/store/exchange/outgoing.ts';
import { type FhirReceiver, startFhirReceiver } from '../support/fhir-receiver.ts';
import { acknowledgment, type MllpReceiver, startMllpReceiver } from '../support/mllp-receiver.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { PATIENCE } from '../support/patience.ts';
import { readMessages, valueOf } from '../support/read-hl7.ts';
import { describeWith } from '../support/requires.ts';
import { plainPixels, smallCtSeries } from '../support/small-series.ts';

const [STUDY, EMPTY, NOBODY] = ['2.25.8801', '2.25.8802', '2.25.8803'] as const;
const ATTRIBUTES = {
  PatientID: 'P-77',
  IssuerOfPatientID: 'HOSP',
  PatientName: 'Yamada^Tarou=山田^太郎',
  PatientBirthDate: '19600102',
  StudyDate: '20260301',
  StudyTime: '093000',
  AccessionNumber: 'ACC-9',
  RequestAttributesSequence: [{ RequestedProcedureID: 'RP-9', ScheduledProcedureStepID: 'SPS-9' }],
  PlacerOrderNumberImagingServiceRequest: 'PL-9',
  FillerOrderNumberImagingServiceRequest: 'FI-9',
};
const schema: object = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'fhir-schema/r5.json'), 'utf8'),
);

const observation = z.object({
  status: z.string(),
  valueQuantity: z.object({ value: z.number() }).optional(),
  dataAbsentReason: z.object({ text: z.string() }).optional(),
  subject: z.object({ identifier: z.object({ value: z.string() }) }),
});

describeWith(['hl7'], 'a node with a FHIR server and an HL7 interface', () => {
  let fhir: FhirReceiver;
  let hl7: MllpReceiver;
  let pages: PagesNode;
  beforeAll(async () => {
    [fhir, hl7] = [await startFhirReceiver(), await startMllpReceiver()];
    pages = await startPagesNode({
      exchange: {
        fhir: { url: `http://127.0.0.1:${fhir.port}/fhir/`, version: 'R5', pdf: true },
        hl7: { host: '127.0.0.1', port: hl7.port, pdf: true, timeoutSeconds: 20 },
      },
      results: { pdf: true },
    });
    await pages.store([
      ...smallCtSeries(STUDY, ATTRIBUTES),
      ...smallCtSeries(EMPTY, { ...ATTRIBUTES, PixelData: plainPixels() }),
      ...smallCtSeries(NOBODY, { ...ATTRIBUTES, PatientID: 'UNKNOWN', IssuerOfPatientID: undefined }),
    ]);
  });
  afterAll(async () => {
    await pages?.stop();
    await fhir?.stop();
    await hl7?.stop();
  });

  /** Both have got something new, and the node knows it. */
  async function delivered(study: string, messages: number): Promise<void> {
    await expect
      .poll(
        async () => (await outgoingOfStudy(pages.node.database, study)).map(({ state }) => state),
        PATIENCE,
      )
      .toEqual(Array.from({ length: messages }, () => 'sent'));
  }
  const volumesOf = async (study: string) => (await pages.node.studyDetails(study))?.volumes ?? [];
  const review = async (study: string, decision: string) => {
    const [volume] = await volumesOf(study);
    const response = await fetch(`${pages.node.url}/api/results/${volume?.report.sopInstanceUid}/review`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ decision, reason: '' }),
    });
    expect(response.status).toBe(201);
  };
  const observations = () => fhir.ofType('Observation').map((one) => observation.parse(one));

  it('sends a result to both, as the report in the archive says it, with the orders of the images', async () => {
    await pages.process(STUDY);
    await delivered(STUDY, 2);
    const [volume] = await volumesOf(STUDY);
    if (!volume) throw new Error('no volume');
    expect(new Ajv({ strict: false, unicodeRegExp: false }).compile(schema)(fhir.bundles[0])).toBe(true);
    expect(observations()).toMatchObject([
      {
        status: 'preliminary',
        valueQuantity: { value: Number(volume.volumeMl.toFixed(3)) },
        subject: { identifier: { value: 'P-77' } },
      },
    ]);
    const { seriesInstanceUid, sopInstanceUid } = volume.report;
    const bytes = await pages.node.archive.retrieveInstance(STUDY, seriesInstanceUid, sopInstanceUid);
    expect(JSON.stringify(fhir.ofType('DiagnosticReport'))).toContain(readReport(bytes)?.sopInstanceUid);
    expect(JSON.stringify(fhir.bundles)).toContain('JVBERi'); // a PDF in base64
    const [message] = readMessages(hl7.received);
    expect(message?.value('PID', 3)).toBe('P-77');
    const [obr] = message?.segments('OBR') ?? [];
    expect([2, 18, 19].map((field) => valueOf(obr, field))).toEqual(['PL-9', 'ACC-9', 'RP-9']);
    expect([1, 2].map((part) => valueOf(obr, 29, part))).toEqual(['PL-9', 'FI-9']);
    expect(message?.value('PID', 5, 1, 2)).toBe('山田');
    expect(message?.observations[0]).toEqual([
      'NM',
      '118565006',
      expect.stringMatching(/^CT\.[0-9A-F]{8}$/),
      String(Number(volume.volumeMl.toFixed(3))),
      'mL',
      'P',
    ]);
    expect(message?.segments('OBX').at(-1)?.[2]).toEqual([[['ED']]]);
  });

  it('says of nothing found that there is no volume', async () => {
    await pages.process(EMPTY);
    await delivered(EMPTY, 2);
    const absent = observations().filter((one) => one.valueQuantity === undefined);
    expect(absent).toMatchObject([{ dataAbsentReason: { text: expect.stringContaining('No pancreas') } }]);
    expect(readMessages(hl7.received).at(-1)?.observations[0]?.at(-1)).toBe('X');
  });

  it('withdraws what a reader rejects, under the same ids', async () => {
    const before = fhir.ofType('Observation').length;
    await review(STUDY, 'rejected');
    await delivered(STUDY, 4);
    expect(fhir.ofType('Observation')).toHaveLength(before);
    expect(
      observations()
        .map(({ status }) => status)
        .toSorted(),
    ).toEqual(['entered-in-error', 'preliminary']);
    const withdrawn = readMessages(hl7.received).at(-1);
    expect(withdrawn?.value('OBR', 25)).toBe('C');
    expect(withdrawn?.observations[0]?.at(-1)).toBe('W');
  });

  it('sends nothing under an id that names nobody, and says so', async () => {
    const [bundles, messages] = [fhir.bundles.length, hl7.received.length];
    await pages.process(NOBODY);
    await expect
      .poll(
        async () => (await outgoingOfStudy(pages.node.database, NOBODY)).map(({ state }) => state),
        PATIENCE,
      )
      .toEqual(['failed', 'failed']);
    expect([fhir.bundles.length, hl7.received.length]).toEqual([bundles, messages]);
  });

  it('stopped between message and acknowledgment, it sends that message again, under the same id', async () => {
    hl7.answer = () => undefined;
    fhir.refusal = { status: 422, body: 'no patient P-77 (Yamada) here' };
    const arrived = hl7.next();
    await review(STUDY, 'accepted');
    const first = await arrived;
    await expect
      .poll(
        async () => (await outgoingOfStudy(pages.node.database, STUDY)).map(({ state }) => state),
        PATIENCE,
      )
      .toContain('failed');
    const second = hl7.next();
    await pages.restart();
    hl7.answer = (message) => acknowledgment(message, 'AA');
    expect(await second).toBe(first);
    expect(readMessages([first])[0]?.value('OBR', 25)).toBe('C');
    const page = await (await fetch(`${pages.node.url}/studies/${STUDY}`)).text();
    expect(page).toContain('Sent to other systems');
    expect(page).toContain('Other systems that the result was sent to hear of a rejection.');
    expect(page).toMatch(/failed, tried 1 times: the server answered 422: no patient \*\*\* \(\*\*\*\) here/);
    const metrics = await (await fetch(`${pages.node.url}/metrics`)).text();
    expect(metrics).toContain('pansegnet_result_messages{exit="fhir",state="failed"} 2');
  });

  it('and what was refused goes out again when somebody asks for it, once', async () => {
    fhir.refusal = undefined;
    const before = fhir.bundles.length;
    const response = await fetch(`${pages.node.url}/api/studies/${STUDY}/send-again`, { method: 'POST' });
    expect(await response.json()).toEqual({ messages: 1 });
    await delivered(STUDY, 6);
    expect(fhir.bundles).toHaveLength(before + 1);
    expect(
      observations()
        .map(({ status }) => status)
        .toSorted(),
    ).toEqual(['corrected', 'preliminary']);
    const ids = readMessages(hl7.received).map((message) => message.value('MSH', 10));
    expect([ids.length, new Set(ids).size]).toEqual([5, 4]);
  });
});
