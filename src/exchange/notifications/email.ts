import { createTransport } from 'nodemailer';
import { asText, type Message } from './message.ts';

const LIMIT_MS = 15_000;

/** Sends a message as plain text. Rejects with what the mail server says. */
export async function sendEmail(
  { smtp, from, to }: { smtp: string; from: string; to: readonly string[] },
  message: Message,
): Promise<void> {
  const transport = createTransport({
    url: smtp,
    connectionTimeout: LIMIT_MS,
    greetingTimeout: LIMIT_MS,
    socketTimeout: LIMIT_MS,
    // A message is text that the program made: nothing in it names a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({ from, to: [...to], ...asText(message) });
  } finally {
    transport.close();
  }
}
