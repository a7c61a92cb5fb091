import { z } from 'zod';

/** What is told of an event. Fields that say whose it is are there only where the site wants it. */
export const messageSchema = z.object({
  event: z.enum(['study.failed', 'study.finished', 'volume.changed', 'nothing.arrived']),
  /** ISO 8601, UTC. */
  at: z.string(),
  /** Of nothing.arrived: none, but for how many hours. */
  studyInstanceUid: z.string().optional(),
  hours: z.number().optional(),
  link: z.string().optional(),
  errorCode: z.string().optional(),
  /** Of a change: CT, T1W or T2W, and by how much the volume differs from the one before it. */
  class: z.string().optional(),
  changePercent: z.number().optional(),
  details: z
    .object({
      patientName: z.string().optional(),
      patientId: z.string().optional(),
      studyDate: z.string().optional(),
      description: z.string().optional(),
      reason: z.string().optional(),
      volumes: z.array(z.object({ class: z.string(), volumeMl: z.number(), flags: z.array(z.string()) })),
    })
    .optional(),
});
export type Message = z.infer<typeof messageSchema>;

/** The message as people read it; its first line is the subject. */
export function asText(message: Message): { subject: string; text: string } {
  const subject = `pansegnet-node: ${headline(message)}`;
  const { details } = message;
  const lines = [
    headline(message),
    ...(message.studyInstanceUid ? [`Study ${message.studyInstanceUid}`] : []),
    ...(message.errorCode ? [`Code ${message.errorCode}`] : []),
    ...(details?.patientName ? [`Patient ${details.patientName}`] : []),
    ...(details?.patientId ? [`Patient ID ${details.patientId}`] : []),
    ...(details?.studyDate ? [`Study date ${details.studyDate}`] : []),
    ...(details?.description ? [details.description] : []),
    ...(details?.reason ? [`Reason: ${details.reason}`] : []),
    ...(details?.volumes ?? []).map(
      (volume) =>
        `Pancreas ${volume.volumeMl.toFixed(1)} ml ` +
        `(${volume.class})${volume.flags.length > 0 ? `, flags: ${volume.flags.join(', ')}` : ''}`,
    ),
    ...(message.link ? [message.link] : []),
    'For research use only.',
  ];
  return { subject, text: `${lines.join('\n')}\n` };
}

function headline({ event, class: images = '', changePercent = 0, hours }: Message): string {
  if (event === 'nothing.arrived') return `no study has arrived for ${hours} hours`;
  if (event === 'study.failed') return 'a study could not be processed';
  if (event === 'study.finished') return 'a study was processed';
  const sign = changePercent > 0 ? '+' : '';
  return `a pancreas volume (${images}) changed by ${sign}${changePercent.toFixed(1)} %`;
}
