/** CommandField (0000,0100), PS3.7 annex E.1; a response has the bit 8000 set. */
export const COMMAND = {
  store: 0x0001,
  get: 0x0010,
  find: 0x0020,
  move: 0x0021,
  echo: 0x0030,
  eventReport: 0x0100,
  action: 0x0130,
  cancel: 0x0fff,
} as const;
export const RESPONSE = 0x8000;
/** CommandDataSetType (0000,0800): no data set follows. */
const NO_DATA_SET = 0x0101;
const DATA_SET = 0x0000;

type FieldKind = 'UI' | 'US' | 'AE' | 'LO';
/** The elements that are used here, PS3.7 annex E.1: the number within group 0000 and the VR. */
const FIELDS = {
  affectedSopClassUid: [0x0002, 'UI'],
  requestedSopClassUid: [0x0003, 'UI'],
  commandField: [0x0100, 'US'],
  messageId: [0x0110, 'US'],
  messageIdBeingRespondedTo: [0x0120, 'US'],
  moveDestination: [0x0600, 'AE'],
  priority: [0x0700, 'US'],
  commandDataSetType: [0x0800, 'US'],
  status: [0x0900, 'US'],
  errorComment: [0x0902, 'LO'],
  affectedSopInstanceUid: [0x1000, 'UI'],
  requestedSopInstanceUid: [0x1001, 'UI'],
  eventTypeId: [0x1002, 'US'],
  actionTypeId: [0x1008, 'US'],
  remaining: [0x1020, 'US'],
  completed: [0x1021, 'US'],
  failed: [0x1022, 'US'],
  warned: [0x1023, 'US'],
  moveOriginator: [0x1030, 'AE'],
  moveOriginatorMessageId: [0x1031, 'US'],
} as const satisfies Record<string, readonly [number, FieldKind]>;

type Fields = typeof FIELDS;
/** A command set (PS3.7 section 6.3), by the names of its elements; those that are not used are left out. */
export type Command = {
  readonly [Name in keyof Fields]?: Fields[Name][1] extends 'US' ? number : string;
};

const HEADER_BYTES = 8;

/** A command set in Implicit VR Little Endian (PS3.7 section 6.3.1). */
export function writeCommand(command: Command, hasDataSet: boolean): Buffer {
  const whole: Command = { ...command, commandDataSetType: hasDataSet ? DATA_SET : NO_DATA_SET };
  const elements = Object.entries(FIELDS).flatMap(([name, [number, kind]]) => {
    const value = whole[name as keyof Fields];
    return value === undefined ? [] : [element(number, valueBytes(value, kind))];
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.reduce((sum, one) => sum + one.length, 0));
  return Buffer.concat([element(0, length), ...elements]);
}

/** What of a command set is known here; an element that is cut off ends it. */
export function readCommand(bytes: Buffer): Command {
  const read: Record<string, string | number> = {};
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const [number, length] = [bytes.readUInt16LE(at + 2), bytes.readUInt32LE(at + 4)];
    const value = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    const field = Object.entries(FIELDS).find(([, [known]]) => known === number);
    if (field && value.length === length) {
      const [name, [, kind]] = field;
      if (kind !== 'US') read[name] = value.toString('latin1').replaceAll('\0', ' ').trim();
      else if (length >= 2) read[name] = value.readUInt16LE(0);
    }
    at += HEADER_BYTES + length;
  }
  return read;
}

export const hasDataSet = ({ commandDataSetType = NO_DATA_SET }: Command): boolean =>
  commandDataSetType !== NO_DATA_SET;

function element(number: number, value: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16LE(number, 2);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
}

function valueBytes(value: string | number, kind: FieldKind): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
  }
  const padding = kind === 'UI' ? '\0' : ' ';
  return Buffer.from(value.length % 2 === 0 ? value : value + padding, 'latin1');
}
