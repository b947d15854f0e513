//! A server of S3 over a folder: the real protocol over TCP, signatures and all.
//!
//! 1. Buckets are folders, and objects are files in them; what else the server keeps begins with a dot.
//! 2. A put with `If-None-Match: *` is atomic here: the server below tests and writes in two steps, so that this one
//!    takes a lock around them. A server that knows no conditions can be had as well.
//! 3. A get with `If-Match`, and the list of uploads that are under way, are done here, since the one below does not.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex as Lock;
use std::time::SystemTime;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, MultipartUpload, PutObjectInput, PutObjectOutput, Timestamp,
    UploadPartInput, UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// The id that the server knows.
pub const ACCESS_KEY_ID: &str = "tidewire";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "tidewire-secret";
/// Any region will do.
pub const REGION: &str = "us-east-1";
/// The bucket that is there from the start.
pub const BUCKET: &str = "tidewire";

/// What a server makes of `If-None-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// It holds them.
    Honoured,
    /// It takes them and does as if they were not there.
    Ignored,
    /// It says that it knows none.
    Refused,
}

/// A server that runs until this is dropped.
pub struct Server {
    endpoint: String,
    folder: PathBuf,
    runtime: Option<Runtime>,
}

/// Serves a folder on a free port of this host.
///
/// # Errors
/// The folder can not be made, or the port not be had.
pub fn serve(folder: &Path) -> io::Result<Server> {
    Server::start(folder, 0, Conditions::Honoured)
}

impl Server {
    /// Serves a folder on a port of this host; 0 is a free one.
    ///
    /// # Errors
    /// The folder can not be made, or the port not be had.
    pub fn start(folder: &Path, port: u16, conditions: Conditions) -> io::Result<Server> {
        std::fs::create_dir_all(folder.join(BUCKET))?;
        let files =
            FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let objects = Objects {
            files,
            conditions,
            puts: Mutex::new(()),
            uploads: Lock::new(BTreeMap::new()),
        };
        let mut service = S3ServiceBuilder::new(objects);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = service.build();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("s3-server").enable_all().build()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        runtime.spawn(accept(listener, service));
        Ok(Server { endpoint, folder: folder.to_owned(), runtime: Some(runtime) })
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where its objects of [`BUCKET`] lie.
    #[must_use]
    pub fn bucket(&self) -> PathBuf {
        self.folder.join(BUCKET)
    }

    /// The uploads that are neither completed nor ended, as the server's folder shows them.
    ///
    /// # Errors
    /// The folder can not be read.
    pub fn uploads(&self) -> io::Result<usize> {
        let is_of_an_upload = |name: &str| {
            name.starts_with(".upload") || name.starts_with(".bucket-") && name.contains(".upload-")
        };
        let names = std::fs::read_dir(&self.folder)?;
        let names = names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: io::Result<Vec<_>> = names.collect();
        Ok(names?.iter().filter(|name| is_of_an_upload(name)).count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

struct Objects {
    files: FileSystem,
    conditions: Conditions,
    puts: Mutex<()>,
    uploads: Lock<BTreeMap<(String, String), Timestamp>>,
}

type Answer<T> = S3Result<S3Response<T>>;

impl Objects {
    fn uploads(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Timestamp>> {
        self.uploads.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl S3 for Objects {
    async fn put_object(&self, mut req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        if req.input.if_none_match.is_some() {
            match self.conditions {
                Conditions::Honoured => (),
                Conditions::Ignored => req.input.if_none_match = None,
                Conditions::Refused => return Err(s3_error!(NotImplemented)),
            }
        }
        let _one = self.puts.lock().await;
        self.files.put_object(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let wanted = req.input.if_match.as_ref().and_then(|it| it.as_etag()).cloned();
        let answer = self.files.get_object(req).await?;
        match (wanted, &answer.output.e_tag) {
            (Some(wanted), Some(found)) if !wanted.strong_cmp(found) => {
                Err(s3_error!(PreconditionFailed))
            }
            _ => Ok(answer),
        }
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.files.head_object(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        match self.files.delete_object(req).await {
            Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchKey => {
                Ok(S3Response::new(DeleteObjectOutput::default()))
            }
            answer => answer,
        }
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        self.files.list_objects_v2(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let answer = self.files.create_multipart_upload(req).await?;
        if let (Some(key), Some(id)) = (&answer.output.key, &answer.output.upload_id) {
            #[allow(clippy::disallowed_methods, reason = "a server stamps what it keeps")]
            let now = Timestamp::from(SystemTime::now());
            self.uploads().insert((key.clone(), id.clone()), now);
        }
        Ok(answer)
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        if !self.uploads().keys().any(|(_, id)| *id == req.input.upload_id) {
            return Err(s3_error!(NoSuchUpload));
        }
        self.files.upload_part(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let upload = (req.input.key.clone(), req.input.upload_id.clone());
        if self.uploads().remove(&upload).is_none() {
            return Err(s3_error!(NoSuchUpload));
        }
        self.files.complete_multipart_upload(req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let upload = (req.input.key.clone(), req.input.upload_id.clone());
        if self.uploads().remove(&upload).is_none() {
            return Err(s3_error!(NoSuchUpload));
        }
        self.files.abort_multipart_upload(req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = (input.key_marker.clone().unwrap_or_default(), input.upload_id_marker.clone());
        let most = usize::try_from(input.max_uploads.unwrap_or(1000)).unwrap_or(1000);
        let is_after = |key: &String, id: &String| {
            (key, Some(id)) > (&after.0, after.1.as_ref()) && (after.1.is_some() || *key > after.0)
        };
        let uploads = self.uploads();
        let mut found = uploads
            .iter()
            .filter(|((key, id), _)| key.starts_with(&prefix) && is_after(key, id))
            .map(|((key, id), begun)| MultipartUpload {
                key: Some(key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(begun.clone()),
                ..MultipartUpload::default()
            });
        let page: Vec<_> = found.by_ref().take(most).collect();
        let is_truncated = found.next().is_some();
        let last = page.last().filter(|_| is_truncated);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(is_truncated),
            next_key_marker: last.and_then(|it| it.key.clone()),
            next_upload_id_marker: last.and_then(|it| it.upload_id.clone()),
            uploads: Some(page),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}
