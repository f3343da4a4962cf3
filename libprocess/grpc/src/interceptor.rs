//! What every request passes before it leaves.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

/// Changes the metadata of a request, or refuses it.
pub(crate) type Intercept = Arc<dyn Fn(&mut MetadataMap) -> Result<(), Status> + Send + Sync>;

/// What clients that tonic generates are made from, for the length of one [`run`](crate::Runtime::run).
///
/// It adds the metadata and the deadline of the call, and does what the channel's interceptors say.
pub type Transport = InterceptedService<tonic::transport::Channel, CallInterceptor>;

/// The interceptors of a channel, and what one call adds.
#[derive(Clone)]
pub struct CallInterceptor {
    pub(crate) interceptors: Arc<[Intercept]>,
    pub(crate) metadata: MetadataMap,
    pub(crate) deadline: Option<Duration>,
}

impl std::fmt::Debug for CallInterceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallInterceptor").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Servers are told a little more than the deadline, so that it is this side that says that it has passed.
const DEADLINE_GRACE: Duration = Duration::from_millis(250);

impl Interceptor for CallInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline + DEADLINE_GRACE);
        }
        for entry in self.metadata.iter() {
            match entry {
                KeyAndValueRef::Ascii(key, value) => {
                    request.metadata_mut().append(key.clone(), value.clone());
                }
                KeyAndValueRef::Binary(key, value) => {
                    request.metadata_mut().append_bin(key.clone(), value.clone());
                }
            }
        }
        for intercept in self.interceptors.iter() {
            intercept(request.metadata_mut())?;
        }
        Ok(request)
    }
}
