//! What each Recap process needs: accept loop, errors, auth, limits, metrics, shutdown.
