//! Messages of MongoDB's wire protocol: read, taken apart, put together. Only `OP_MSG` is taken apart.

use anyhow::{Context, Result, bail, ensure};
use bson::Document;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const OP_MSG: i32 = 2013;
/// The flag of a reply that is followed by another one.
const MORE_TO_COME: u32 = 1 << 1;
/// The flag of a command whose sender takes many replies to it.
const TAKES_MORE: u32 = 1 << 16;
/// Servers take 48 000 000 bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// A message as it came.
#[derive(Clone)]
pub(super) struct Frame(Vec<u8>);

/// A command or a reply.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) request_id: i32,
    pub(super) response_to: i32,
    flags: u32,
    pub(super) body: Document,
    /// Lists that stand outside of the body.
    pub(super) lists: Vec<(String, Vec<Document>)>,
}

impl Frame {
    /// The next message; `None` at the end.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Self>> {
        let mut head = [0; 4];
        match from.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let length = usize::try_from(i32::from_le_bytes(head))?;
        ensure!((16..=LARGEST).contains(&length), "a message of {length} bytes");
        let mut bytes = vec![0; length];
        bytes[..4].copy_from_slice(&head);
        from.read_exact(&mut bytes[4..]).await?;
        Ok(Some(Self(bytes)))
    }

    pub(super) async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        to.write_all(&self.0).await?;
        Ok(to.flush().await?)
    }

    fn int(&self, at: usize) -> i32 {
        let bytes = self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        i32::from_le_bytes(bytes.unwrap_or_default())
    }

    /// Whether another reply follows.
    pub(super) fn more_to_come(&self) -> bool {
        self.int(12) == OP_MSG && self.int(16).cast_unsigned() & MORE_TO_COME != 0
    }

    /// Taken apart, if it is of the kind that can be.
    pub(super) fn message(&self) -> Result<Option<Message>> {
        if self.int(12) != OP_MSG {
            return Ok(None);
        }
        let flags = self.int(16).cast_unsigned();
        ensure!(flags & 1 == 0, "a message with a checksum");
        let mut message = Message {
            request_id: self.int(4),
            response_to: self.int(8),
            flags,
            body: Document::new(),
            lists: Vec::new(),
        };
        let mut rest = &self.0[20..];
        while let Some((kind, after)) = rest.split_first() {
            match kind {
                0 => {
                    let (document, after) = document(after)?;
                    message.body = document;
                    rest = after;
                }
                1 => {
                    let size = after.first_chunk::<4>().context("a list's size")?;
                    let size = usize::try_from(i32::from_le_bytes(*size))?;
                    let (section, after) = after.split_at_checked(size).context("a list")?;
                    let end = section[4..].iter().position(|byte| *byte == 0).context("a list's name")? + 4;
                    let name = String::from_utf8(section[4..end].to_vec())?;
                    let mut documents = Vec::new();
                    let mut inner = &section[end + 1..];
                    while !inner.is_empty() {
                        let (found, after) = self::document(inner)?;
                        documents.push(found);
                        inner = after;
                    }
                    message.lists.push((name, documents));
                    rest = after;
                }
                other => bail!("a section of kind {other}"),
            }
        }
        Ok(Some(message))
    }
}

fn document(bytes: &[u8]) -> Result<(Document, &[u8])> {
    let size = bytes.first_chunk::<4>().context("a document's size")?;
    let size = usize::try_from(i32::from_le_bytes(*size))?;
    let (document, rest) = bytes.split_at_checked(size).context("a document")?;
    Ok((Document::from_reader(document)?, rest))
}

impl Message {
    /// A command.
    pub(super) fn command(body: Document) -> Self {
        Self { request_id: 1, response_to: 0, flags: 0, body, lists: Vec::new() }
    }

    /// The command's name.
    pub(super) fn name(&self) -> &str {
        self.body.keys().next().map_or("", String::as_str)
    }

    /// The collection that it is about.
    pub(super) fn collection(&self) -> &str {
        self.body.values().next().and_then(bson::Bson::as_str).unwrap_or_default()
    }

    /// Whether many replies may follow.
    pub(super) fn is_stream(&self) -> bool {
        self.flags & TAKES_MORE != 0
    }

    /// The list of that name, in the body or outside.
    pub(super) fn list(&self, name: &str) -> Vec<Document> {
        if let Some((_, documents)) = self.lists.iter().find(|(known, _)| known == name) {
            return documents.clone();
        }
        let values = self.body.get_array(name).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(bson::Bson::as_document).cloned().collect()
    }

    /// The same with another list.
    pub(super) fn with_list(mut self, name: &str, documents: Vec<Document>) -> Self {
        self.lists.retain(|(known, _)| known != name);
        self.body.remove(name);
        self.lists.push((name.to_owned(), documents));
        self
    }

    /// A reply to this command.
    pub(super) fn reply(&self, body: Document) -> Self {
        Self { request_id: self.request_id, response_to: self.request_id, flags: 0, body, lists: Vec::new() }
    }

    /// Put together.
    pub(super) fn frame(&self) -> Result<Frame> {
        let mut bytes = vec![0; 4];
        for number in [self.request_id, self.response_to, OP_MSG] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.flags.to_le_bytes());
        bytes.push(0);
        bytes.extend(self.body.to_vec()?);
        for (name, documents) in &self.lists {
            let mut section = vec![0; 4];
            section.extend(name.as_bytes());
            section.push(0);
            for document in documents {
                section.extend(document.to_vec()?);
            }
            let size = i32::try_from(section.len())?;
            section[..4].copy_from_slice(&size.to_le_bytes());
            bytes.push(1);
            bytes.extend(section);
        }
        let length = i32::try_from(bytes.len())?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        Ok(Frame(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[tokio::test]
    async fn a_message_comes_back_as_it_was() {
        let message = Message {
            request_id: 7,
            response_to: 3,
            flags: 0,
            body: doc! { "insert": "messages", "ordered": false },
            lists: vec![("documents".to_owned(), vec![doc! { "_id": 1 }, doc! { "_id": 2, "x": "é" }])],
        };
        let bytes = message.frame().unwrap().0;
        let frame = Frame::read(&mut &bytes[..]).await.unwrap().unwrap();
        let read = frame.message().unwrap().unwrap();
        assert_eq!((read.request_id, read.response_to, read.name(), read.collection()), (7, 3, "insert", "messages"));
        assert_eq!(read.body, message.body);
        assert_eq!(read.list("documents"), message.list("documents"));
        let shorter = read.with_list("documents", vec![doc! { "_id": 9 }]);
        assert_eq!(shorter.list("documents"), [doc! { "_id": 9 }]);
        assert!(!frame.more_to_come());
    }
}
